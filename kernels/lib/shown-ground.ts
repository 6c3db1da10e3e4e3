// SPDX-License-Identifier: Apache-2.0
import { evaluatePoly2, fitPoly2 } from './polynomial.js';
import { rpcLocalize } from './rpc.js';
import { type Bounds, boundsOf, grow, intersect, isEmpty, pixelsOf } from './tile-windows.js';
import type { Affine } from './types.js';
import type { GeometryImage, GeometryPair, GroundBox, VirtualCorrespondences } from './virtual-correspondences.js';

/**
 * The part of a ground box that both images show at some height of the range, or null. Bounds of it, so a little more.
 * Cameras are fitted to their own image: what they say of ground far outside of it is no ground to fit anything to.
 * `seen`: correspondences over the box.
 */
export function shownGround(
  pair: GeometryPair,
  box: GroundBox,
  heights: readonly [number, number],
  seen: VirtualCorrespondences,
): GroundBox | null {
  // Degrees to metres over the box, good to far less than the pixels the result is rounded by.
  const eastNorth = seen.ground.filter((_, i) => i % 3 !== 2);
  const groundFromLonLat = fitPoly2(2, pair.lonLatFromGround(eastNorth), eastNorth);
  const shown = (
    image: GeometryImage,
    pixels: Float64Array,
    rpcFromPixel: (pixel: Float64Array) => Float64Array,
  ): Bounds => {
    const near = intersect(grow(boundsOf(pixels), 2), pixelsOf(image));
    if (isEmpty(near)) return near;
    const points = heights.flatMap((h) => outline(near).flatMap((pixel) => [...rpcFromPixel(pixel), h]));
    const ground = evaluatePoly2(groundFromLonLat, rpcLocalize(image.rpc, Float64Array.from(points)));
    // Where the camera can't be inverted it can't tell what it doesn't show.
    return ground.every(Number.isFinite)
      ? boundsOf(ground)
      : { low: [-Infinity, -Infinity], high: [Infinity, Infinity] };
  };
  const whole: Bounds = { low: [box.minE, box.minN], high: [box.maxE, box.maxN] };
  const byRef = shown(pair.ref, seen.ref, (pixel) => pixel);
  const bySec = shown(pair.sec, seen.sec, (pixel) => inverse(pair.sec.correction, pixel));
  const both = intersect(whole, intersect(byRef, bySec));
  return isEmpty(both) ? null : { minE: both.low[0], minN: both.low[1], maxE: both.high[0], maxN: both.high[1] };
}

/** Corners and middles of the sides. */
function outline({ low, high }: Bounds): Float64Array[] {
  const along = (axis: 0 | 1): readonly number[] => [low[axis], (low[axis] + high[axis]) / 2, high[axis]];
  return along(0).flatMap((x) => along(1).map((y) => Float64Array.of(x, y)));
}

function inverse({ col, row }: Affine, pixel: Float64Array): Float64Array {
  const [x, y] = [(pixel[0] ?? Number.NaN) - col[0], (pixel[1] ?? Number.NaN) - row[0]];
  const determinant = col[1] * row[2] - col[2] * row[1];
  return Float64Array.of((x * row[2] - y * col[2]) / determinant, (y * col[1] - x * row[1]) / determinant);
}
