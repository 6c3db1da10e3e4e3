// SPDX-License-Identifier: Apache-2.0

/** Lowest and highest height to expect per cell, metres, row-major; NaN = nothing known. */
export interface HeightBounds { readonly low: Float32Array; readonly high: Float32Array }

export interface LocalBoundsOptions {
  /** Cells looked at on every side. */
  readonly radius: number;
  /** A cell may hide as high a step as the bounds span anywhere within so many cells; 0 = no. */
  readonly stepRadius: number;
  /** A height counts when, itself included, `support` of the 3 x 3 cells around it lie within this of it, metres. */
  readonly toleranceM: number;
  readonly support: number;
}

/**
 * Lowest and highest supported height in the (2 radius + 1)^2 cells around each cell; NaN where there is none.
 * Isolated spikes have no support, so they don't widen the bounds; a building of three cells does. Among buildings a coarse
 * level takes some roofs for ground and some courtyards for roofs: so the bounds are widened, downwards and upwards, to the
 * largest span within `stepRadius`, as far as there are such heights; on an even slope, where all spans are alike, nothing changes.
 * `heights`: (height, width), NaN = none.
 */
export function localBounds(heights: Float32Array, width: number, height: number, options: LocalBoundsOptions): HeightBounds {
  const supported = supportedHeights(heights, width, height, options);
  const low = windowExtreme(supported, width, height, options.radius, (a, b) => a < b);
  const high = windowExtreme(supported, width, height, options.radius, (a, b) => a > b);
  if (options.stepRadius === 0) return { low, high };
  const around = (values: Float32Array, better: (a: number, b: number) => boolean): Float32Array =>
    windowExtreme(values, width, height, options.stepRadius, better);
  const lowest = around(low, (a, b) => a < b);
  const highest = around(high, (a, b) => a > b);
  const span = around(high.map((value, cell) => value - (low[cell] ?? NaN)), (a, b) => a > b);
  return {
    low: low.map((value, cell) => Math.max(lowest[cell] ?? NaN, Math.min(value, (high[cell] ?? NaN) - (span[cell] ?? NaN)))),
    high: high.map((value, cell) => Math.min(highest[cell] ?? NaN, Math.max(value, (low[cell] ?? NaN) + (span[cell] ?? NaN)))),
  };
}

function supportedHeights(heights: Float32Array, width: number, height: number, { toleranceM, support }: LocalBoundsOptions): Float32Array {
  const kept = new Float32Array(heights.length).fill(NaN);
  for (let row = 0; row < height; row++) {
    for (let col = 0; col < width; col++) {
      const value = heights[row * width + col] ?? NaN;
      let near = 0;
      for (let y = Math.max(0, row - 1); y <= Math.min(height - 1, row + 1); y++) {
        for (let x = Math.max(0, col - 1); x <= Math.min(width - 1, col + 1); x++) {
          if (Math.abs((heights[y * width + x] ?? NaN) - value) <= toleranceM) near++;
        }
      }
      if (near >= support) kept[row * width + col] = value;
    }
  }
  return kept;
}

/** Separable minimum or maximum filter that skips NaN. */
function windowExtreme(values: Float32Array, width: number, height: number, radius: number, better: (a: number, b: number) => boolean): Float32Array {
  const pass = (from: Float32Array, length: number, lines: number, step: number, lineStep: number): Float32Array => {
    const to = new Float32Array(from.length).fill(NaN);
    for (let line = 0; line < lines; line++) {
      for (let i = 0; i < length; i++) {
        let best = NaN;
        for (let k = Math.max(0, i - radius); k <= Math.min(length - 1, i + radius); k++) {
          const value = from[line * lineStep + k * step] ?? NaN;
          if (better(value, best) || Number.isNaN(best)) best = value;
        }
        to[line * lineStep + i * step] = best;
      }
    }
    return to;
  };
  return pass(pass(values, width, height, 1, width), height, width, width, 1);
}

/** The bounds on a grid reduced by `factor` (the last cells may cover less): the extremes of the known cells. */
export function reduceBounds({ low, high }: HeightBounds, width: number, height: number, factor: number): HeightBounds {
  const reducedWidth = Math.ceil(width / factor);
  const size = reducedWidth * Math.ceil(height / factor);
  const reduced = { low: new Float32Array(size).fill(NaN), high: new Float32Array(size).fill(NaN) };
  for (let row = 0; row < height; row++) {
    for (let col = 0; col < width; col++) {
      widen(reduced, Math.floor(row / factor) * reducedWidth + Math.floor(col / factor), low[row * width + col], high[row * width + col]);
    }
  }
  return reduced;
}

/**
 * Fills cells without bounds, pull and push over a pyramid of halved grids: a hole takes the extremes of the
 * known cells around it (3 x 3) at the finest scale that has some, so that bounds widen with the hole. Holes larger than
 * 2^maxDoublings cells take `fallback`. Known cells stay as they are.
 */
export function fillBounds(bounds: HeightBounds, width: number, height: number, fallback: readonly [number, number], maxDoublings: number): HeightBounds {
  const filled = { low: bounds.low.slice(), high: bounds.high.slice() };
  if (!bounds.low.some(Number.isNaN)) return filled;
  const halfWidth = Math.ceil(width / 2);
  const coarser = maxDoublings === 0 || width * height === 1
    ? null
    : fillBounds(reduceBounds(bounds, width, height, 2), halfWidth, Math.ceil(height / 2), fallback, maxDoublings - 1);
  for (let row = 0; row < height; row++) {
    for (let col = 0; col < width; col++) {
      const cell = row * width + col;
      if (!Number.isNaN(bounds.low[cell])) continue;
      for (let y = Math.max(0, row - 1); y <= Math.min(height - 1, row + 1); y++) {
        for (let x = Math.max(0, col - 1); x <= Math.min(width - 1, col + 1); x++) {
          widen(filled, cell, bounds.low[y * width + x], bounds.high[y * width + x]);
        }
      }
      if (!Number.isNaN(filled.low[cell])) continue;
      const parent = (row >> 1) * halfWidth + (col >> 1);
      widen(filled, cell, coarser?.low[parent] ?? fallback[0], coarser?.high[parent] ?? fallback[1]);
    }
  }
  return filled;
}

/** Widens a cell's bounds so that they hold [low, high]; NaN on either side of the call means nothing known. */
function widen({ low, high }: HeightBounds, cell: number, addLow = NaN, addHigh = NaN): void {
  if (Number.isNaN(addLow)) return;
  const known = !Number.isNaN(low[cell]);
  low[cell] = known ? Math.min(low[cell] ?? addLow, addLow) : addLow;
  high[cell] = known ? Math.max(high[cell] ?? addHigh, addHigh) : addHigh;
}
