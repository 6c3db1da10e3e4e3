// SPDX-License-Identifier: Apache-2.0
import { KernelArgumentError } from './errors.js';
import { loadNative } from './native.js';
import type { PixelRect } from './types.js';

/** Cells of a partial DSM, row-major; a cell counts where its weight is above 0 and both are finite. Metres. */
export interface PartialCells {
  readonly height: Float32Array;
  readonly weight: Float32Array;
  /** Weighted standard deviation of the cell's points. */
  readonly spread: Float32Array;
  readonly count: Float32Array;
}

/** One tile, as far as it lies inside a block. */
export interface BlendTile extends PartialCells {
  readonly isOwner: boolean;
  /** Where the cells lie, from the block's first cell. */
  readonly rect: PixelRect;
  /** One weight per column and row of the block, 0 outside `rect`; their product is the tile's feather in a cell. */
  readonly featherCol: Float64Array;
  readonly featherRow: Float64Array;
}

export interface BlendOptions {
  /** The block's size. */
  readonly width: number;
  readonly height: number;
  /** A height farther than this from the leading tile's isn't blended in, metres. */
  readonly toleranceM: number;
  /** Weight of a cell whose points are all certain; confidence is weight / fullWeight, at most 1. */
  readonly fullWeight: number;
  /** What a cell without a height is called. */
  readonly emptyReason: number;
}

/** Cells of a block, row-major. Where reason isn't 0 the height is -32768 and all else 0. */
export interface MergedBlock {
  /** Metres. */
  readonly height: Float32Array;
  /** 0 to 1, in steps of 1 / `mergedSteps`. */
  readonly confidence: Uint16Array;
  /** Points; 65535 and more is 65535. */
  readonly count: Uint16Array;
  /** Metres, in steps of 1 / `mergedSteps`; 256 m and more is 65535. */
  readonly spread: Uint16Array;
  readonly reason: Uint16Array;
}

/** Confidence and spread are merged in the steps they are published in. */
export const mergedSteps = 256;

export function newMergedBlock(cells: number): MergedBlock {
  const band = (): Uint16Array => new Uint16Array(cells);
  return { height: new Float32Array(cells), confidence: band(), count: band(), spread: band(), reason: band() };
}

const native = loadNative<{
  fusePairs(pairs: readonly PartialCells[], size: { readonly width: number; readonly height: number }, fused: PartialCells): void;
  blendTiles(tiles: readonly BlendTile[], options: BlendOptions, block: MergedBlock): void;
}>();

/**
 * The pairs of one tile as one: heights averaged by weight, what the pairs differ by is spread, weights and counts add up (West,
 * CACM 22(9), 1979). The result depends on the order of `pairs` by rounding.
 */
export function fusePairs(pairs: readonly PartialCells[], width: number, height: number): PartialCells {
  const cells = width * height;
  for (const { height: heights } of pairs) if (heights.length !== cells) throw new KernelArgumentError(`${width} x ${height} cells`, 'pairs', heights.length);
  const fused = { height: new Float32Array(cells), weight: new Float32Array(cells), spread: new Float32Array(cells), count: new Float32Array(cells) };
  native.fusePairs(pairs, { width, height }, fused);
  return fused;
}

/**
 * The tiles' heights as one surface: each counts with weight times feather, unless it disagrees with the leading tile (the owner, else
 * the one with the largest feather) by more than the tolerance. Count is the leading tile's. The result
 * depends on the order of `tiles` by rounding. `into`: a block of this size to be filled and returned instead of a new one.
 */
export function blendTiles(tiles: readonly BlendTile[], options: BlendOptions, into: MergedBlock | null = null): MergedBlock {
  const { width, height, toleranceM, fullWeight } = options;
  if (!(toleranceM >= 0)) throw new KernelArgumentError('metres', 'toleranceM', toleranceM);
  if (!(fullWeight > 0)) throw new KernelArgumentError('a positive weight', 'fullWeight', fullWeight);
  for (const { rect, featherCol, featherRow } of tiles) {
    const isInside = (start: number, extent: number, feather: Float64Array): boolean => {
      for (let at = 0; at < feather.length; at++) if ((feather[at] ?? 0) > 0 && (at < start || at >= start + extent)) return false;
      return true;
    };
    if (!isInside(rect.col0, rect.width, featherCol) || !isInside(rect.row0, rect.height, featherRow)) {
      throw new KernelArgumentError('feathers that are 0 outside the cells', 'tiles', JSON.stringify(rect));
    }
  }
  const cells = width * height;
  const block = into?.reason.length === cells ? into : newMergedBlock(cells);
  native.blendTiles(tiles, options, block);
  return block;
}
