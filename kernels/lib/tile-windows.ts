// SPDX-License-Identifier: Apache-2.0
import { evaluatePoly2 } from './polynomial.js';
import type { PixelRect, Poly2, RectSpec } from './types.js';

/** Bounds of points, ends included; low > high where there are none. */
export interface Bounds {
  readonly low: readonly [number, number];
  readonly high: readonly [number, number];
}

/** Bounds of the first two of every `step` numbers; points that are not finite are left out. */
export function boundsOf(points: Float64Array, step: 2 | 3 = 2): Bounds {
  let lowX = Infinity;
  let lowY = Infinity;
  let highX = -Infinity;
  let highY = -Infinity;
  for (let i = 0; i + 1 < points.length; i += step) {
    const x = points[i] ?? Number.NaN;
    const y = points[i + 1] ?? Number.NaN;
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    lowX = Math.min(lowX, x);
    highX = Math.max(highX, x);
    lowY = Math.min(lowY, y);
    highY = Math.max(highY, y);
  }
  return { low: [lowX, lowY], high: [highX, highY] };
}

export function isEmpty({ low, high }: Bounds): boolean {
  return !(low[0] <= high[0] && low[1] <= high[1]);
}

export function grow({ low, high }: Bounds, x: number, y = x): Bounds {
  return { low: [low[0] - x, low[1] - y], high: [high[0] + x, high[1] + y] };
}

export function intersect(a: Bounds, b: Bounds): Bounds {
  return {
    low: [Math.max(a.low[0], b.low[0]), Math.max(a.low[1], b.low[1])],
    high: [Math.min(a.high[0], b.high[0]), Math.min(a.high[1], b.high[1])],
  };
}

/** The pixel centres of an image. */
export function pixelsOf(image: { readonly width: number; readonly height: number }): Bounds {
  return { low: [0, 0], high: [image.width - 1, image.height - 1] };
}

export function cornersOf({ low, high }: Bounds): Float64Array {
  return Float64Array.of(low[0], low[1], high[0], low[1], low[0], high[1], high[0], high[1]);
}

/** The smallest block of whole pixels that holds the bounds; 0 x 0 where they are empty. */
export function rectOf(bounds: Bounds): RectSpec {
  if (isEmpty(bounds)) return { u0: 0, v0: 0, width: 0, height: 0 };
  const [u0, v0] = [Math.floor(bounds.low[0]), Math.floor(bounds.low[1])];
  return { u0, v0, width: Math.ceil(bounds.high[0]) - u0 + 1, height: Math.ceil(bounds.high[1]) - v0 + 1 };
}

/** The image pixels a rectified block is resampled from, `extraPx` around included, clipped to the image; null = none. */
export function windowOf(
  imageFromRect: Poly2,
  rect: RectSpec,
  image: { readonly width: number; readonly height: number },
  extraPx: number,
): PixelRect | null {
  const steps = 16;
  const points = new Float64Array(2 * (steps + 1) ** 2);
  for (let j = 0, o = 0; j <= steps; j++) {
    for (let i = 0; i <= steps; i++, o += 2) {
      points[o] = rect.u0 + ((rect.width - 1) * i) / steps;
      points[o + 1] = rect.v0 + ((rect.height - 1) * j) / steps;
    }
  }
  const needed = grow(boundsOf(evaluatePoly2(imageFromRect, points)), extraPx);
  return pixelRectOf(intersect(needed, pixelsOf(image)));
}

/** The smallest window that holds the bounds; null where they are empty. */
export function pixelRectOf(bounds: Bounds): PixelRect | null {
  const { u0, v0, width, height } = rectOf(bounds);
  return width > 0 && height > 0 ? { col0: u0, row0: v0, width, height } : null;
}
