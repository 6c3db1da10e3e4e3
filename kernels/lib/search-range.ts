// SPDX-License-Identifier: Apache-2.0
import { KernelArgumentError } from './errors.js';
import { loadNative } from './native.js';
import { newBuffer } from './new-buffer.js';
import { packPoly3 } from './polynomial.js';
import type { TileGeometry } from './tile-geometry.js';
import type { GridSpec, RectSpec, SearchRange } from './types.js';

/** What is known of heights before matching: lowest and highest of each cell, metres, NaN where nothing is. */
export interface HeightPrior {
  readonly grid: GridSpec;
  readonly low: Float32Array;
  readonly high: Float32Array;
}

export interface SearchRangeInput {
  readonly geometry: Pick<TileGeometry, 'rect' | 'rectFromGround' | 'disparityRange' | 'pxPerMetre' | 'baseToHeight'>;
  /** null, or nothing known over the tile: geometry.disparityRange everywhere. */
  readonly prior: HeightPrior | null;
  /** Disparities per pixel that can be afforded, at least 16. */
  readonly maxCount: number;
  /** Added on both sides of the prior's disparities, pixels. */
  readonly slackPx: number;
  /** A number of candidates for each row instead of one for the block: faster where few places are wide, slightly more blunders (docs/decisions/0005-matching-speed.md). */
  readonly byRow: boolean;
}

interface NativeOptions {
  readonly maxCount: number;
  readonly slackPx: number;
  readonly pixelM: number;
}
const native = loadNative<{
  searchRange(
    rectFromGround: Float64Array,
    prior: HeightPrior,
    rect: RectSpec,
    options: NativeOptions,
    low: Int16Array,
    rowCounts: Uint16Array | null,
  ): { readonly count: number; readonly wanted: number };
}>();

const step = 16;

/**
 * The disparities to search at each pixel of geometry.rect: `count` is the smallest multiple of 16 that holds what the
 * prior asks for at its widest place, cut to maxCount; `rowCounts` what it asks for in each row, in whole 32; `low` follows the prior. `clipped`: count < wantedCount, and where
 * a pixel's wanted range does not fit, its middle is searched (of a range without prior too). Costs one pass over prior
 * and block, small beside matching.
 */
export function searchRange({ geometry, prior, maxCount, slackPx, byRow }: SearchRangeInput): {
  readonly range: SearchRange;
  readonly clipped: boolean;
  readonly wantedCount: number;
} {
  const {
    rect,
    disparityRange: [dMin, dMax],
  } = geometry;
  if (!(Number.isInteger(maxCount) && maxCount >= step))
    throw new KernelArgumentError(`a whole number of at least ${step}`, 'maxCount', maxCount);
  if (!(slackPx >= 0 && Number.isFinite(slackPx))) throw new KernelArgumentError('0 px or more', 'slackPx', slackPx);
  const low = new Int16Array(newBuffer(2 * rect.width * rect.height));
  if (prior !== null) {
    const cells = prior.grid.width * prior.grid.height;
    if (prior.low.length !== cells || prior.high.length !== cells) {
      throw new KernelArgumentError(`${cells} cells`, 'prior', `${prior.low.length} low, ${prior.high.length} high`);
    }
    const rowCounts = byRow ? new Uint16Array(rect.height) : null;
    const pixelM = geometry.baseToHeight / geometry.pxPerMetre;
    const { count, wanted } = native.searchRange(
      packPoly3(geometry.rectFromGround),
      prior,
      rect,
      { maxCount, slackPx, pixelM },
      low,
      rowCounts,
    );
    if (wanted > 0) return { range: { low, count, rowCounts: rowCounts?.some((ofRow) => ofRow < count) ? rowCounts : null }, clipped: count < wanted, wantedCount: wanted };
  }
  const wantedCount = Math.ceil((dMax - dMin + 1) / step) * step;
  const count = Math.min(wantedCount, maxCount - (maxCount % step));
  low.fill(count < wantedCount ? Math.round((dMin + dMax + 1 - count) / 2) : dMin);
  return { range: { low, count, rowCounts: null }, clipped: count < wantedCount, wantedCount };
}
