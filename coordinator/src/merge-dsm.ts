// SPDX-License-Identifier: Apache-2.0
import { type HeightSummary, type MergedBlock, openHeightSummary } from '@altiplano/kernels';
import { createTiled } from '@altiplano/kernels/raster';
import type { GridSpec, LevelPlan, ScenePlan, TilePlan } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import { offsetIn } from './ground-tiles.js';
import { type BlockPartial, mergeBlock, noHeight, reason } from './merge-block.js';
import { openPartials } from './partial-cells.js';
import { openTileIndex } from './tile-index.js';

/**
 * A merged DSM: a tiled GeoTIFF of float32 bands (a GeoTIFF has one type and one no-data value, -32768, for all)
 * height (metres), confidence (0..1), count, spread (metres), reason (`reason` of merge-block). Ground that no tile covers was
 * never written, and is no-data in every band. Coarse levels, which only say where to search, have heights alone.
 */
export interface MergedDsm extends HeightSummary {
  readonly path: string;
  readonly grid: GridSpec;
}

/** Bands of a merged DSM, 1-based as GDAL counts them. */
export const mergedBand = { height: 1, confidence: 2, count: 3, spread: 4, reason: 5 } as const;

export interface Merge {
  /** Merges and writes the cells a tile owns. Call it when the tile and its neighbours have ended; again does no harm. */
  mergeTile(tileId: string): Promise<void>;
  /** Merges the tiles not merged yet, and closes the file. */
  finish(): Promise<MergedDsm>;
  /** Drops the unfinished file. */
  abandon(): Promise<void>;
}

export interface MergeInputs {
  readonly store: ObjectStore;
  readonly plan: ScenePlan;
  readonly level: LevelPlan;
  /** The stored partial DSMs of a tile, at the time of the call. */
  readonly partials: (tileId: string) => readonly { readonly pairId: string; readonly outKey: string }[];
  /** Whether any task of the tile ended dead; its empty cells say so. */
  readonly isDead?: (tileId: string) => boolean;
  /** The local file to write; it appears under this name when finished. */
  readonly path: string;
}

/**
 * Opens the streaming merge of a level: tiles can be merged in any order, the pixels come out the same.
 * Memory: one tile, and the halos of those around (`openPartials`). Errors: those of the store and of GDAL, naming the file.
 */
export function openMerge({ store, plan, level, partials, isDead = () => false, path }: MergeInputs): Merge {
  const grid = unionGrid(level);
  const tiles = openTileIndex(level);
  const pathsOf = (id: string) => partials(id).map(({ pairId, outKey }) => ({ pairId, path: store.gdalPath(outKey) }));
  const cells = openPartials({ pathsOf, haloCells: level.haloCells });
  const bandNames = level.factor === 1 ? (['height', 'confidence', 'count', 'spread', 'reason'] as const) : (['height'] as const);
  const out = createTiled(path, {
    width: grid.width, height: grid.height, crs: plan.crs, geotransform: geotransformOf(grid), blockSize: blockSizeFor(level.tileCells), compress: 'NONE',
    bands: bandNames.map((description) => ({ type: 'float32', noData: noHeight, description })),
  });
  const isMerged = new Uint8Array(tiles.count);
  const summary = openHeightSummary();
  const block = newBlock(level.tileCells ** 2);
  const tolerance = blendToleranceM(plan, level);
  const weight = fullWeight(plan, level);

  const numbersAround = ({ ix, iy }: TilePlan): number[] =>
    around.map(([dx, dy]) => tiles.numberAt(ix + dx, iy + dy)).filter((number) => number >= 0);

  const mergeOne = (number: number): void => {
    if (isMerged[number] === 1) return;
    const tile = tiles.tileAt(number);
    const neighbours = numbersAround(tile).map((other) => tiles.tileAt(other));
    const inputs: BlockPartial[] = [...cells.own(tile), ...neighbours.flatMap((other) => cells.halo(other, tile.core))];
    const { width, height } = tile.core;
    const emptyReason = isDead(tile.id) ? reason.dead : partials(tile.id).length === 0 ? reason.outside : reason.noPoint;
    const core = mergeBlock(inputs, {
      width, height, ownerId: tile.id, haloCells: level.haloCells, toleranceM: tolerance, fullWeight: weight, emptyReason,
    }, partOf(block, width * height));
    const { col0, row0 } = offsetIn(grid, tile.core);
    summary.add(core, { col0, row0, width, height });
    bandNames.forEach((name, band) => out.writeBlock(band + 1, col0, row0, width, height, core[name]));
    isMerged[number] = 1;
    for (const done of [tile, ...neighbours]) {
      if (isMerged[tiles.numberAt(done.ix, done.iy)] === 1 && numbersAround(done).every((other) => isMerged[other] === 1)) cells.forget(done.id);
    }
  };

  return {
    async mergeTile(tileId) {
      const number = tiles.numberOf(tileId);
      if (number < 0) throw new Error(`tile ${tileId} is not in level 1/${level.factor} of scene ${plan.sceneId}`);
      mergeOne(number);
    },
    async finish() {
      for (let number = 0; number < tiles.count; number++) mergeOne(number);
      out.close();
      return { path, grid, ...summary.finish() };
    },
    async abandon() { out.discard(); },
  };
}

const around = [[-1, -1], [0, -1], [1, -1], [-1, 0], [1, 0], [-1, 1], [0, 1], [1, 1]] as const;

function newBlock(cells: number): MergedBlock {
  const band = (): Float32Array => new Float32Array(cells);
  return { height: band(), confidence: band(), count: band(), spread: band(), reason: new Uint8Array(cells) };
}

/** The first cells of a block's arrays: one block serves tiles of all sizes. */
function partOf({ height, confidence, count, spread, reason: why }: MergedBlock, cells: number): MergedBlock {
  const part = (band: Float32Array): Float32Array => band.subarray(0, cells);
  return { height: part(height), confidence: part(confidence), count: part(count), spread: part(spread), reason: why.subarray(0, cells) };
}

/** The box of all tiles of a level, whole squares, so that a tile's cells are whole blocks of a file. Cores may be cut smaller. */
function unionGrid(level: LevelPlan): GridSpec {
  if (level.tileRuns.length === 0) throw new Error(`level 1/${level.factor} has no tiles`);
  const { west, east, south, north } = extentOf(level);
  const { originE, originN } = squareOf(level, west, north);
  return {
    originE, originN, resolution: level.resolution,
    width: (east - west + 1) * level.tileCells, height: (north - south + 1) * level.tileCells,
  };
}

function extentOf({ tileRuns }: LevelPlan): { west: number; east: number; south: number; north: number } {
  let west = Infinity, east = -Infinity, south = Infinity, north = -Infinity;
  for (const { ix, iy, count } of tileRuns) {
    west = Math.min(west, ix); east = Math.max(east, ix + count - 1);
    south = Math.min(south, iy); north = Math.max(north, iy);
  }
  return { west, east, south, north };
}

/** The whole square of tile (ix, iy): squares count eastward and northward from the CRS origin. */
function squareOf({ tileCells, resolution }: LevelPlan, ix: number, iy: number): GridSpec {
  return { originE: ix * tileCells * resolution, originN: (iy + 1) * tileCells * resolution, resolution, width: tileCells, height: tileCells };
}

/** GDAL's geotransform of a grid. */
export function geotransformOf({ originE, originN, resolution }: GridSpec): [number, number, number, number, number, number] {
  return [originE, resolution, 0, originN, 0, -resolution];
}

/**
 * Heights of neighbouring tiles that differ by more than this are two surfaces: 3 m, or what one disparity step of the
 * level's weakest pair means in height where that is more (at 1/16, or where the base is small, noise alone is metres).
 */
function blendToleranceM(plan: ScenePlan, level: LevelPlan): number {
  return Math.max(3, ...plan.pairs.map((pair) => metresPerPixel(plan, pair.id, level.factor)));
}

/** Height change per pixel of disparity of a pair at a level, metres. */
export function metresPerPixel(plan: ScenePlan, pairId: string, factor: number): number {
  const pair = plan.pairs.find(({ id }) => id === pairId);
  const gsdM = plan.images.find(({ index }) => index === pair?.ref)?.gsdM;
  if (pair === undefined || gsdM === undefined) throw new Error(`pair ${pairId} is not in the plan of scene ${plan.sceneId}`);
  return (gsdM * factor) / Math.max(1e-3, Math.abs(pair.baseToHeight));
}

/**
 * Raster weight of a cell whose own and neighbouring cells each caught the points of their share of the
 * reference image, all certain: points per cell times the sum of the splat's Gaussian over its cells.
 */
function fullWeight(plan: ScenePlan, level: LevelPlan): number {
  const { rasterSigma, rasterRadius } = plan.request.params;
  let splat = 0;
  for (let y = -rasterRadius; y <= rasterRadius; y++) {
    for (let x = -rasterRadius; x <= rasterRadius; x++) splat += Math.exp(-(x * x + y * y) / (2 * rasterSigma * rasterSigma));
  }
  const gsdM = Math.min(...plan.images.map((image) => image.gsdM)) * level.factor;
  return splat * Math.min(1, (level.resolution / gsdM) ** 2);
}

/** The largest usual GeoTIFF block that divides a tile, so that no block is written twice. */
function blockSizeFor(tileCells: number): number {
  return [512, 256, 128, 64, 32, 16].find((size) => tileCells % size === 0) ?? 64;
}
