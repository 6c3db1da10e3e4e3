// SPDX-License-Identifier: Apache-2.0
import { KernelArgumentError } from './errors.js';
import { loadNative } from './native.js';
import type { PixelRect } from './types.js';

/** Lowest and highest height to expect per cell, metres, row-major; NaN in both = nothing known. */
export interface HeightBounds { readonly width: number; readonly height: number; readonly low: Float32Array; readonly high: Float32Array }

export interface LocalBoundsOptions {
  /** Cells looked at on every side. */
  readonly radius: number;
  /** A cell may hide as high a step as the bounds span anywhere within so many cells; 0 = no. */
  readonly stepRadius: number;
  /** A height counts when, itself included, `support` of the 3 x 3 cells around it lie within this of it, metres. */
  readonly toleranceM: number;
  readonly support: number;
}

export interface WidenOptions {
  /** Added on both sides, metres; twice that in holes. */
  readonly marginM: number;
  /** Added as well: this much of the difference between high and low. */
  readonly shareOfSpan: number;
  /** The bounds stay between; all of it where they miss it. */
  readonly lowest: number;
  readonly highest: number;
}

const native = loadNative<{
  localBounds(
    heights: Float32Array, width: number, height: number, options: LocalBoundsOptions, from: { readonly col0: number; readonly row0: number }, threads: number, bounds: HeightBounds,
  ): void;
  reduceBounds(bounds: HeightBounds, factor: number, reduced: HeightBounds): void;
  fillBounds(bounds: HeightBounds, fallbackLow: number, fallbackHigh: number, maxDoublings: number): void;
  spanOf(bounds: HeightBounds, rect: PixelRect, span: Float64Array): void;
  widenBounds(bounds: HeightBounds, surroundings: HeightBounds, factor: number, options: WidenOptions): void;
}>();

function emptyBounds(width: number, height: number): HeightBounds {
  return { width, height, low: new Float32Array(width * height), high: new Float32Array(width * height) };
}

/** Bounds of a size in the first cells of larger arrays. */
function firstCells({ low, high }: Pick<HeightBounds, 'low' | 'high'>, width: number, height: number): HeightBounds {
  const cells = width * height;
  return { width, height, low: low.subarray(0, cells), high: high.subarray(0, cells) };
}

function checkInside({ col0, row0, width, height }: PixelRect, most: number, rows: number): void {
  for (const value of [col0, row0, width, height]) checkWhole(value, 0, 'rect');
  if (col0 + width > most || row0 + height > rows) throw new KernelArgumentError(`a part of ${most} x ${rows} cells`, 'rect', `${width} x ${height} from ${col0}, ${row0}`);
}

function checkWhole(value: number, least: number, name: string): void {
  if (!Number.isInteger(value) || value < least) throw new KernelArgumentError(`a whole number of at least ${least}`, name, value);
}

/**
 * Lowest and highest supported height in the (2 radius + 1)^2 cells around each cell; NaN where there is none.
 * Isolated spikes have no support, so they don't widen the bounds; a building of three cells does. Among buildings a coarse
 * level takes some roofs for ground and some courtyards for roofs: so the bounds are widened, downwards and upwards, to the
 * largest span within `stepRadius`, as far as there are such heights; on an even slope, where all spans are alike, nothing changes.
 * `heights`: (height, width), NaN = none. Of its cells those in `rect` get bounds (absent: all). `threads` share the rows.
 * `into`: arrays of at least that many cells to be filled, instead of new ones.
 */
export function localBounds(
  heights: Float32Array, width: number, height: number, options: LocalBoundsOptions,
  { rect = { col0: 0, row0: 0, width, height }, threads = 1, into }: { readonly rect?: PixelRect; readonly threads?: number; readonly into?: Pick<HeightBounds, 'low' | 'high'> } = {},
): HeightBounds {
  if (heights.length !== width * height) throw new KernelArgumentError(`${width} x ${height} cells`, 'heights', heights.length);
  checkWhole(options.radius, 0, 'radius');
  checkWhole(options.stepRadius, 0, 'stepRadius');
  checkWhole(threads, 1, 'threads');
  checkInside(rect, width, height);
  const bounds = into === undefined ? emptyBounds(rect.width, rect.height) : firstCells(into, rect.width, rect.height);
  native.localBounds(heights, width, height, options, rect, threads, bounds);
  return bounds;
}

/** The bounds on a grid reduced by `factor` (the last cells may cover less): the extremes of the known cells. */
export function reduceBounds(bounds: HeightBounds, factor: number): HeightBounds {
  checkWhole(factor, 1, 'factor');
  const reduced = emptyBounds(Math.ceil(bounds.width / factor), Math.ceil(bounds.height / factor));
  native.reduceBounds(bounds, factor, reduced);
  return reduced;
}

/**
 * Fills cells without bounds in place, pull and push over a pyramid of halved grids: a hole takes the extremes of the
 * known cells around it (3 x 3) at the finest scale that has some, so that bounds widen with the hole. Holes larger than
 * 2^maxDoublings cells take `fallback`. Known cells stay as they are. A window that begins at a multiple of
 * 2^maxDoublings is filled as the whole is, from 2^(maxDoublings + 1) cells within its edges on.
 */
export function fillBounds(bounds: HeightBounds, fallback: readonly [number, number], maxDoublings: number): void {
  checkWhole(maxDoublings, 0, 'maxDoublings');
  native.fillBounds(bounds, fallback[0], fallback[1], maxDoublings);
}

/** Lowest low and highest high of the cells in `rect`, none of which is a hole. */
export function spanOf(bounds: HeightBounds, rect: PixelRect): readonly [number, number] {
  checkInside(rect, bounds.width, bounds.height);
  if (rect.width === 0 || rect.height === 0) throw new KernelArgumentError('at least one cell', 'rect', `${rect.width} x ${rect.height}`);
  const span = new Float64Array(2);
  native.spanOf(bounds, rect, span);
  return [span[0] ?? NaN, span[1] ?? NaN];
}

/** Makes bounds final, in place: holes take those of `surroundings`, a grid `factor` times coarser that begins with the same cell. */
export function widenBounds(bounds: HeightBounds, surroundings: HeightBounds, factor: number, options: WidenOptions): void {
  checkWhole(factor, 1, 'factor');
  if (surroundings.width * factor < bounds.width || surroundings.height * factor < bounds.height) {
    throw new KernelArgumentError('a grid that covers the bounds', 'surroundings', `${surroundings.width} x ${surroundings.height}`);
  }
  native.widenBounds(bounds, surroundings, factor, options);
}
