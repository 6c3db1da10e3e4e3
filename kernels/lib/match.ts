// SPDX-License-Identifier: Apache-2.0
import { KernelArgumentError } from './errors.js';
import { loadNative } from './native.js';
import type { DisparityMap, RectImage, SearchRange } from './types.js';

export interface MatchOptions {
  /** Penalty of a disparity step of 1 px between neighbours; costs are Hamming distances of 34 census bits. */
  readonly p1?: number;
  /** Penalty of any larger step, p1 <= p2 <= 63. */
  readonly p2?: number;
  /** Largest difference of the left and the right view's disparities, pixels; negative: no left-right check. */
  readonly leftRightPx?: number;
  /** Connected regions of fewer pixels are rejected before surfaces are extended to their edges and into holes. */
  readonly specklePx?: number;
  /** Rounds of photometric sub-pixel refinement; 0: the parabola's. */
  readonly refineIterations?: number;
}

export interface FilterOptions {
  /** Connected regions of fewer pixels are rejected. */
  readonly specklePx?: number;
  /** Disparity step up to which neighbours belong to one region, pixels. */
  readonly speckleStepPx?: number;
  /** Side of the median window, odd, at most 7; 1: no median. */
  readonly medianSize?: number;
}

interface NativeMatch {
  matchPair(ref: RectImage, sec: RectImage, range: SearchRange, options: Required<MatchOptions>): DisparityMap;
  filterDisparity(map: DisparityMap, options: Required<FilterOptions>): DisparityMap;
}
const native = loadNative<NativeMatch>();

const matchDefaults: Required<MatchOptions> = { p1: 11, p2: 44, leftRightPx: 1, specklePx: 50, refineIterations: 2 };
const filterDefaults: Required<FilterOptions> = { specklePx: 50, speckleStepPx: 1, medianSize: 3 };

/** Largest P2 of which four fit into 8 bits (kernels/src/sgm.h). */
const maxP2 = 63;
/** Columns are counted in 16 bits (kernels/src/disparity.h). */
const maxWidth = 65_535;
/** What k is padded to in the cost volume (kernels/src/sgm.h). */
const countPadding = 32;

/**
 * Dense disparities of a rectified pair: census 7x5, semi-global aggregation over 8 paths, winner, left-right check,
 * depth edges moved to where the grey values have them, and photometric sub-pixel refinement. Both blocks have the same rows; reference (u, v) matches secondary (u + d, v) in the rectified
 * frame, with range.low <= d < range.low + count of its row at each reference pixel (at an edge a surface beside it may exceed that). The result lies on the reference's block;
 * NaN where validity isn't 0. Needs matchMemoryBytes of memory. The same input gives the same bytes on every CPU.
 * Throws KernelArgumentError. Source: Hirschmueller, TPAMI 2008.
 */
export function matchPair(ref: RectImage, sec: RectImage, range: SearchRange, options: MatchOptions = {}): DisparityMap {
  const all = { ...matchDefaults, ...options };
  expectBlock(ref, 'ref');
  expectBlock(sec, 'sec');
  if (ref.v0 !== sec.v0 || ref.height !== sec.height) {
    throw new KernelArgumentError('the rows of ref', 'sec', `v0 ${sec.v0}, height ${sec.height}`);
  }
  if (!Number.isInteger(range.count) || range.count < 1 || range.count > 32767) {
    throw new KernelArgumentError('an integer in 1..32767', 'range.count', range.count);
  }
  expectLength(range.low, ref.width * ref.height, 'range.low');
  if (range.rowCounts !== null) {
    expectLength(range.rowCounts, ref.height, 'range.rowCounts');
    const wrong = range.rowCounts.find((ofRow) => ofRow < 1 || ofRow > range.count);
    if (wrong !== undefined) throw new KernelArgumentError('1 to range.count', 'range.rowCounts', wrong);
  }
  if (!Number.isInteger(all.p1) || all.p1 < 1) throw new KernelArgumentError('a positive integer', 'p1', all.p1);
  if (!Number.isInteger(all.p2) || all.p2 < all.p1 || all.p2 > maxP2) {
    throw new KernelArgumentError(`an integer in p1..${maxP2}`, 'p2', all.p2);
  }
  if (!Number.isInteger(all.refineIterations) || all.refineIterations < 0) {
    throw new KernelArgumentError('a non-negative integer', 'refineIterations', all.refineIterations);
  }
  if (!Number.isInteger(all.specklePx) || all.specklePx < 0) {
    throw new KernelArgumentError('a non-negative integer', 'specklePx', all.specklePx);
  }
  if (Number.isNaN(all.leftRightPx)) throw new KernelArgumentError('a number', 'leftRightPx', all.leftRightPx);
  return native.matchPair(ref, sec, range, all);
}

/**
 * Rejects small isolated regions (validity.speckle), then replaces each remaining disparity by the median of the valid
 * ones around it. Rejected pixels keep their reasons and stay NaN. Returns a new map. Throws KernelArgumentError.
 */
export function filterDisparity(map: DisparityMap, options: FilterOptions = {}): DisparityMap {
  const all = { ...filterDefaults, ...options };
  expectShape(map, 'map');
  const pixels = map.width * map.height;
  expectLength(map.disparity, pixels, 'map.disparity');
  expectLength(map.validity, pixels, 'map.validity');
  expectLength(map.confidence, pixels, 'map.confidence');
  if (!Number.isInteger(all.specklePx) || all.specklePx < 0) {
    throw new KernelArgumentError('a non-negative integer', 'specklePx', all.specklePx);
  }
  if (!(all.speckleStepPx >= 0)) throw new KernelArgumentError('a non-negative number', 'speckleStepPx', all.speckleStepPx);
  if (![1, 3, 5, 7].includes(all.medianSize)) throw new KernelArgumentError('1, 3, 5 or 7', 'medianSize', all.medianSize);
  return native.filterDisparity(map, all);
}

/**
 * What matchPair needs at most for a reference block of width x height pixels and `count` candidates each, its result included,
 * bytes: the volume of one byte per candidate dominates. `secWidth`: columns of the secondary block, by default those the range asks for.
 * `rowCounts`: as in SearchRange.
 */
export function matchMemoryBytes(width: number, height: number, count: number, secWidth: number = width + count, rowCounts: Uint16Array | null = null): number {
  const stride = paddedCount(count);
  const sums = 2 * width * stride;
  const paths = 3 * (width + 66) * (stride + 96);
  const rows = 10 * (secWidth + 2 * stride) + 32 * (width + secWidth);
  const regions = 8 * width * height; // those of like disparity, and what edges change
  const result = (4 + 2 + 4) * width * height;
  return matchKeptBytes(width, height, count, secWidth, rowCounts) + Math.max(sums + paths + rows, regions) + result;
}

/** What of it stays with the thread for its next tiles, the largest of which decides, bytes: the census codes, and the volume with its P2, whose place edges and refinement get after it. */
export function matchKeptBytes(width: number, height: number, count: number, secWidth: number = width + count, rowCounts: Uint16Array | null = null): number {
  const candidates = rowCounts?.reduce((sum, ofRow) => sum + paddedCount(ofRow), 0) ?? height * paddedCount(count); // of a column
  const volume = width * candidates + (32 + 4 * (width + 2)) * height; // rows begin on cache lines; and P2 of four paths
  const edges = (8 * (width + 64) + 4 * (secWidth + 64)) * (height + 16) + (width + 128) * height;
  const refinement = 16 * (width + 128) * (height + 8) + 4 * (secWidth + 96) * height + 2 ** 19;
  return Math.max(volume, edges, refinement) + (5 + 2) * (width + secWidth + 128) * height;
}

const paddedCount = (count: number): number => Math.ceil(count / countPadding) * countPadding;

function expectShape(block: { readonly width: number; readonly height: number }, name: string): void {
  for (const side of ['width', 'height'] as const) {
    if (!Number.isInteger(block[side]) || block[side] < 1) {
      throw new KernelArgumentError('a positive integer', `${name}.${side}`, block[side]);
    }
  }
}

function expectBlock(block: RectImage, name: string): void {
  expectShape(block, name);
  if (block.width > maxWidth) throw new KernelArgumentError(`at most ${maxWidth}`, `${name}.width`, block.width);
  if (!Number.isInteger(block.u0) || !Number.isInteger(block.v0)) {
    throw new KernelArgumentError('integers', `${name}.u0, v0`, `${block.u0}, ${block.v0}`);
  }
  expectLength(block.data, block.width * block.height, `${name}.data`);
  expectLength(block.valid, block.width * block.height, `${name}.valid`);
}

function expectLength(array: { readonly length: number }, length: number, name: string): void {
  if (array.length !== length) throw new KernelArgumentError(`${length} elements`, name, `${array.length}`);
}
