// SPDX-License-Identifier: Apache-2.0

/** Why a cell of the DSM has no height; the classes of `validity.tif`, and the band `reason` of a merged DSM. */
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

/** No-data value of the height and spread bands, as in the published DSM. */
export const noHeight = -32768;

/** The part of a partial DSM that overlaps a block. Offsets count cells from the block's first cell and may be negative. */
export interface BlockPartial {
  readonly tileId: string;
  readonly pairId: string;
  /** The core of the partial's own tile. */
  readonly core: CellRect;
  /** Where the arrays lie. */
  readonly rect: CellRect;
  /** Metres; read where `weight` > 0 only. */
  readonly height: Float32Array;
  readonly weight: Float32Array;
  /** Weighted standard deviation of the cell's points, metres. */
  readonly spread: Float32Array;
  readonly count: Float32Array;
}

export interface CellRect { readonly col0: number; readonly row0: number; readonly width: number; readonly height: number }

export interface MergeBlockOptions {
  /** The block's size: the core of the tile that owns its cells. */
  readonly width: number;
  readonly height: number;
  readonly ownerId: string;
  readonly haloCells: number;
  /** A neighbour's height farther than this from the owner's is not blended in, metres. */
  readonly toleranceM: number;
  /** Raster weight of a cell whose points are all certain; confidence is weight / fullWeight, at most 1. */
  readonly fullWeight: number;
  /** What a cell without a height is called. */
  readonly emptyReason: Reason;
}

/** Cells of a block, row-major. Where reason isn't 0: height and spread are `noHeight`, confidence and count 0. */
export interface MergedBlock {
  readonly height: Float32Array;
  readonly confidence: Float32Array;
  readonly count: Float32Array;
  readonly spread: Float32Array;
  readonly reason: Uint8Array;
}

/** A block without any height. */
export function emptyBlock(width: number, height: number, emptyReason: Reason): MergedBlock {
  const cells = width * height;
  return {
    height: new Float32Array(cells).fill(noHeight), confidence: new Float32Array(cells), count: new Float32Array(cells),
    spread: new Float32Array(cells).fill(noHeight), reason: new Uint8Array(cells).fill(emptyReason),
  };
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
 * The result doesn't depend on the order of `partials`: sums run over sorted tile ids and pair ids.
 */
export function mergeBlock(partials: readonly BlockPartial[], options: MergeBlockOptions): MergedBlock {
  const { width, height, toleranceM, fullWeight } = options;
  const merged = emptyBlock(width, height, options.emptyReason);
  const tiles = mergePairs(partials, options);
  for (let row = 0; row < height; row++) {
    for (let col = 0; col < width; col++) {
      const cell = row * width + col;
      const lead = leadOf(tiles, col, row);
      if (lead === null) continue;
      const leadCell = indexIn(lead.rect, col, row);
      const leadHeight = lead.height[leadCell] ?? NaN;
      let sumFeather = 0, sumWeight = 0, sumOffset = 0, sumSquare = 0;
      for (const tile of tiles) {
        const f = featherAt(tile, col, row);
        if (f === 0) continue;
        const at = indexIn(tile.rect, col, row);
        const offset = (tile.height[at] ?? NaN) - leadHeight;
        if (Math.abs(offset) > toleranceM) continue;
        const weight = f * (tile.weight[at] ?? 0);
        sumFeather += f;
        sumWeight += weight;
        sumOffset += weight * offset;
        sumSquare += weight * ((tile.variance[at] ?? 0) + offset * offset);
      }
      const mean = sumOffset / sumWeight;
      merged.height[cell] = leadHeight + mean;
      merged.spread[cell] = Math.sqrt(Math.max(0, sumSquare / sumWeight - mean * mean));
      merged.confidence[cell] = Math.min(1, sumWeight / sumFeather / fullWeight);
      merged.count[cell] = lead.count[leadCell] ?? 0;
      merged.reason[cell] = reason.valid;
    }
  }
  return merged;
}

/** The tile whose height the others have to agree with: the owner, else the one with the largest feather, else null. */
function leadOf(tiles: readonly TileCells[], col: number, row: number): TileCells | null {
  let lead: TileCells | null = null;
  let largest = 0;
  for (const tile of tiles) {
    const f = featherAt(tile, col, row);
    if (f > 0 && tile.isOwner) return tile;
    if (f > largest) { lead = tile; largest = f; }
  }
  return lead;
}

/** A tile's feather in a cell, 0 where it has no height. */
function featherAt(tile: TileCells, col: number, row: number): number {
  const f = (tile.featherCol[col] ?? 0) * (tile.featherRow[row] ?? 0);
  return f > 0 && (tile.weight[indexIn(tile.rect, col, row)] ?? 0) > 0 ? f : 0;
}

function indexIn(rect: CellRect, col: number, row: number): number {
  return (row - rect.row0) * rect.width + (col - rect.col0);
}

/** One tile's pairs merged, on `rect`, the part of its grid inside the block; weight 0 = nothing. */
interface TileCells {
  readonly isOwner: boolean;
  readonly rect: CellRect;
  /** Along the block's columns and rows; 0 outside `rect`. */
  readonly featherCol: Float64Array;
  readonly featherRow: Float64Array;
  readonly height: Float64Array;
  readonly weight: Float64Array;
  readonly variance: Float64Array;
  readonly count: Float64Array;
}

function mergePairs(partials: readonly BlockPartial[], options: MergeBlockOptions): TileCells[] {
  const sorted = partials.toSorted((a, b) => compareIds(a.tileId, b.tileId) || compareIds(a.pairId, b.pairId));
  const byTile = new Map<string, TileCells>();
  for (const partial of sorted) {
    const tile = byTile.get(partial.tileId) ?? emptyTile(partial, options);
    byTile.set(partial.tileId, tile);
    addPair(tile, partial);
  }
  return [...byTile.values()];
}

function emptyTile({ tileId, core }: BlockPartial, { width, height, haloCells, ownerId }: MergeBlockOptions): TileCells {
  const [col0, colEnd] = clip(core.col0 - haloCells, core.col0 + core.width + haloCells, width);
  const [row0, rowEnd] = clip(core.row0 - haloCells, core.row0 + core.height + haloCells, height);
  const cells = (colEnd - col0) * (rowEnd - row0);
  return {
    isOwner: tileId === ownerId, rect: { col0, row0, width: colEnd - col0, height: rowEnd - row0 },
    featherCol: feather(width, core.col0, core.width, haloCells), featherRow: feather(height, core.row0, core.height, haloCells),
    height: new Float64Array(cells), weight: new Float64Array(cells), variance: new Float64Array(cells), count: new Float64Array(cells),
  };
}

/** Adds a pair's cells to its tile: weighted mean and variance, updated pair by pair (West 1979). */
function addPair(tile: TileCells, pair: BlockPartial): void {
  const { rect } = tile;
  for (let row = rect.row0; row < rect.row0 + rect.height; row++) {
    for (let col = rect.col0; col < rect.col0 + rect.width; col++) {
      if (!contains(pair.rect, col, row)) continue;
      const source = indexIn(pair.rect, col, row);
      const weight = pair.weight[source] ?? 0;
      const value = pair.height[source] ?? NaN;
      if (!(weight > 0) || !Number.isFinite(value)) continue;
      const at = indexIn(rect, col, row);
      const total = (tile.weight[at] ?? 0) + weight;
      const share = weight / total;
      const delta = value - (tile.height[at] ?? 0);
      const spread = pair.spread[source] ?? 0;
      const before = tile.variance[at] ?? 0;
      const variance = spread > 0 ? spread * spread : 0;
      tile.variance[at] = before + share * (variance - before) + share * (1 - share) * delta * delta;
      tile.height[at] = (tile.height[at] ?? 0) + share * delta;
      tile.weight[at] = total;
      tile.count[at] = (tile.count[at] ?? 0) + (pair.count[source] ?? 0);
    }
  }
}

function contains(rect: CellRect, col: number, row: number): boolean {
  return col >= rect.col0 && col < rect.col0 + rect.width && row >= rect.row0 && row < rect.row0 + rect.height;
}

/** The part of [start, end) inside [0, length); empty as [0, 0]. */
function clip(start: number, end: number, length: number): [number, number] {
  const from = Math.max(0, start);
  const to = Math.min(length, end);
  return from < to ? [from, to] : [0, 0];
}

/**
 * Feather along one axis at the block's cells 0 to length - 1, of a tile whose core covers [start, start + extent):
 * a ramp two halos wide, so that it is 1/2 on the border of the core; without a halo 1 inside and 0 outside.
 */
function feather(length: number, start: number, extent: number, haloCells: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => {
    const inside = Math.min(i - start, start + extent - 1 - i) + 0.5 + haloCells;
    return haloCells === 0 ? Number(inside > 0) : Math.min(1, Math.max(0, inside / (2 * haloCells)));
  });
}

function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
