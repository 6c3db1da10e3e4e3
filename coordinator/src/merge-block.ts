// SPDX-License-Identifier: Apache-2.0
import { type BlendOptions, type MergedBlock, type PartialCells, blendTiles, fusePairs } from '@altiplano/kernels';

/** Why a cell of the DSM has no height; the classes of `validity.tif`. */
export const reason = {
  /** The cell has a height. */
  valid: 0,
  /** Both images may see the ground, but no point fell into the cell: no match, occluded, or rejected. */
  noPoint: 1,
  /** No pair sees the ground here, or the tile ended empty. */
  outside: 2,
  /** The tile, or one of its pairs, ended dead: the cell may be missing for that alone. */
  dead: 3,
  /** Outside of the region of interest asked for; only in `validity.tif`. */
  outsideRoi: 4,
} as const;
export type Reason = (typeof reason)[keyof typeof reason];

/** No-data value of heights, as in the published DSM. */
export const noHeight = -32768;

/** The part of a partial DSM that overlaps a block. Offsets count cells from the block's first cell and may be negative. */
export interface BlockPartial extends PartialCells {
  readonly tileId: string;
  readonly pairId: string;
  /** The core of the partial's own tile. */
  readonly core: CellRect;
  /** Where the arrays lie; it holds all cells of the partial that lie inside the block. */
  readonly rect: CellRect;
}

export interface CellRect { readonly col0: number; readonly row0: number; readonly width: number; readonly height: number }

/** The block is the core of the tile that owns its cells. */
export interface MergeBlockOptions extends BlendOptions {
  readonly ownerId: string;
  readonly haloCells: number;
  readonly emptyReason: Reason;
}

/**
 * Merges the partial DSMs of a tile and its neighbours into the cells the tile owns.
 *
 * Pairs of one tile: mean weighted by raster weight. Tiles: each weighs by its raster weight times a feather that
 * rises linearly from 0 at the outer edge of its halo to 1 as far inside its core, along both axes; two
 * neighbours' feathers add up to 1, so the surface runs on over a tile border. A neighbour that
 * disagrees with the owner by more than `toleranceM` is left out: a roof edge stays an edge. Where the owner has
 * no height, the neighbour with the largest feather stands in for it. Count is the owner's (neighbours count the same points).
 *
 * The result doesn't depend on the order of `partials`: sums run over sorted tile ids and pair ids. The pairs of a tile have one `rect`,
 * which may reach beyond the block.
 * `into`: a block of this size to be filled and returned instead of a new one.
 */
export function mergeBlock(partials: readonly BlockPartial[], options: MergeBlockOptions, into: MergedBlock | null = null): MergedBlock {
  const { width, height, ownerId, haloCells } = options;
  const sorted = partials.toSorted((a, b) => compareIds(a.tileId, b.tileId) || compareIds(a.pairId, b.pairId));
  const byTile = new Map<string, BlockPartial[]>();
  for (const partial of sorted) byTile.set(partial.tileId, [...(byTile.get(partial.tileId) ?? []), partial]);
  return blendTiles([...byTile.values()].flatMap((pairs) => {
    const [first] = pairs;
    if (first === undefined) return [];
    const { tileId, core } = first;
    // One pair's cells are taken where they are; several are fused, but only where the block needs them.
    const rect = pairs.length === 1 ? first.rect : common(first.rect, { col0: 0, row0: 0, width, height });
    if (rect === null) return [];
    return [{
      ...(pairs.length === 1 ? first : fusePairs(pairs.map((pair) => cut(pair, rect)), rect.width, rect.height)),
      isOwner: tileId === ownerId, rect,
      featherCol: feather(width, core.col0, core.width, haloCells), featherRow: feather(height, core.row0, core.height, haloCells),
    }];
  }), options, into);
}

/**
 * Feather along one axis at the block's cells 0 to length - 1, of a tile whose core covers [start, start + extent):
 * a ramp two halos wide, so that it is 1/2 on the border of the core; without a halo 1 inside and 0 outside.
 */
function feather(length: number, start: number, extent: number, haloCells: number): Float64Array {
  const weights = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const inside = Math.min(i - start, start + extent - 1 - i) + 0.5 + haloCells;
    weights[i] = haloCells === 0 ? Number(inside > 0) : Math.min(1, Math.max(0, inside / (2 * haloCells)));
  }
  return weights;
}

/** The cells of a rectangle inside of those of a partial. */
function cut(partial: BlockPartial, rect: CellRect): PartialCells {
  const { col0, row0, width } = partial.rect;
  const part = (band: Float32Array): Float32Array => {
    const out = new Float32Array(rect.width * rect.height);
    for (let row = 0; row < rect.height; row++) {
      const from = (rect.row0 - row0 + row) * width + rect.col0 - col0;
      out.set(band.subarray(from, from + rect.width), row * rect.width);
    }
    return out;
  };
  return { height: part(partial.height), weight: part(partial.weight), spread: part(partial.spread), count: part(partial.count) };
}

function common(a: CellRect, b: CellRect): CellRect | null {
  const col0 = Math.max(a.col0, b.col0);
  const row0 = Math.max(a.row0, b.row0);
  const width = Math.min(a.col0 + a.width, b.col0 + b.width) - col0;
  const height = Math.min(a.row0 + a.height, b.row0 + b.height) - row0;
  return width > 0 && height > 0 ? { col0, row0, width, height } : null;
}

function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
