// SPDX-License-Identifier: Apache-2.0
import { type HeightSummary, type MergedBlock, newMergedBlock, openHeightSummary } from '@altiplano/kernels';
import { createTiled, RasterError, type RasterType, readWindow, type TiledRaster } from '@altiplano/kernels/raster';
import type { GridSpec, LevelPlan, ScenePlan, TilePlan } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import { offsetIn } from './ground-tiles.js';
import { type CellRect, type Reason, mergeBlock, noHeight, reason } from './merge-block.js';
import { openPartials } from './partial-cells.js';
import { openTileIndex } from './tile-index.js';

/**
 * A merged DSM: tiled GeoTIFFs that aren't compressed. `path` has the heights, float32 metres, no-data -32768. `cellsPath` has the uint16 bands
 * of `cellsBand`, confidence and spread in steps of 1/256; 0 where there is no height. Blocks without any height take no room.
 * Coarse levels, which only say where to search, have heights alone.
 */
export interface MergedDsm extends HeightSummary {
  readonly path: string;
  readonly cellsPath: string | null;
  readonly grid: GridSpec;
  /** By the tiles' numbers: why their cells without a height have none. */
  readonly emptyReasons: Uint8Array;
}

/** Bands of a merged DSM's second file, 1-based as GDAL counts them. */
export const cellsBand = { confidence: 1, count: 2, spread: 3 } as const;
const cellsBands = ['confidence', 'count', 'spread'] as const;

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
  /** A merge of the same level that was made before, and whether a tile was merged there from the same as it would be now: then its cells are taken over. */
  readonly earlier?: { readonly path: string; readonly cellsPath: string } | null;
  readonly isSame?: (tileId: string) => boolean;
}

/**
 * Opens the streaming merge of a level: tiles can be merged in any order, the pixels come out the same.
 * Memory: the tile merged, as a block; partials stay in their files (`openPartials`). Errors: those of the store and of GDAL, naming the file.
 */
export function openMerge({ store, plan, level, partials, isDead = () => false, path, earlier = null, isSame = () => false }: MergeInputs): Merge {
  const grid = unionGrid(level);
  const tiles = openTileIndex(level);
  const cells = openPartials({ store, partials, haloCells: level.haloCells, scratchDir: `${path}.partials` });
  const raster = (file: string, type: RasterType, noData: number | null, bandNames: readonly string[]): TiledRaster => createTiled(file, {
    width: grid.width, height: grid.height, crs: plan.crs, geotransform: geotransformOf(grid), blockSize: blockSizeFor(level.tileCells), compress: 'NONE',
    bands: bandNames.map((description) => ({ type, noData, description })),
  });
  const heights = raster(path, 'float32', noHeight, ['height']);
  const cellsPath = level.factor === 1 ? path.replace(/(\.tif)?$/, '.cells.tif') : null;
  const others = cellsPath === null ? null : raster(cellsPath, 'uint16', null, cellsBands);
  const isMerged = new Uint8Array(tiles.count), emptyReasons = new Uint8Array(tiles.count);
  const summary = openHeightSummary();
  const block = newMergedBlock(level.tileCells ** 2);
  const tolerance = blendToleranceM(plan, level);
  const weight = fullWeight(plan, level);

  const numbersAround = ({ ix, iy }: TilePlan): number[] =>
    around.map(([dx, dy]) => tiles.numberAt(ix + dx, iy + dy)).filter((number) => number >= 0);

  const mergeOne = async (number: number): Promise<void> => {
    if (isMerged[number] === 1) return;
    const tile = tiles.tileAt(number);
    const neighbours = numbersAround(tile).map((other) => tiles.tileAt(other));
    const { width, height } = tile.core;
    const emptyReason = isDead(tile.id) ? reason.dead : partials(tile.id).length === 0 ? reason.outside : reason.noPoint;
    const { col0, row0 } = offsetIn(grid, tile.core);
    const taken = earlier !== null && isSame(tile.id) ? readMerged(earlier, { col0, row0, width, height }, emptyReason) : null;
    const core = taken ?? await cells.with(tile, neighbours, (inputs) => mergeBlock(inputs, {
      width, height, ownerId: tile.id, haloCells: level.haloCells, toleranceM: tolerance, fullWeight: weight, emptyReason,
    }, partOf(block, width * height)));
    summary.add(core, { col0, row0, width, height });
    heights.writeBlock(1, col0, row0, width, height, core.height);
    for (const name of cellsBands) others?.writeBlock(cellsBand[name], col0, row0, width, height, core[name]);
    isMerged[number] = 1;
    emptyReasons[number] = emptyReason;
    for (const done of [tile, ...neighbours]) {
      if (isMerged[tiles.numberAt(done.ix, done.iy)] === 1 && numbersAround(done).every((other) => isMerged[other] === 1)) cells.forget(done.id);
    }
  };

  return {
    async mergeTile(tileId) {
      const number = tiles.numberOf(tileId);
      if (number < 0) throw new Error(`tile ${tileId} is not in level 1/${level.factor} of scene ${plan.sceneId}`);
      await mergeOne(number);
    },
    async finish() {
      for (let number = 0; number < tiles.count; number++) await mergeOne(number);
      cells.close();
      heights.close();
      others?.close();
      return { path, cellsPath, grid, emptyReasons, ...summary.finish() };
    },
    async abandon() {
      cells.close();
      heights.discard();
      others?.discard();
    },
  };
}

const around = [[-1, -1], [0, -1], [1, -1], [-1, 0], [1, 0], [-1, 1], [0, 1], [1, 1]] as const;

/** The cells of a rectangle of a merged DSM as they were written; null where they can't be read: then they are merged again. */
function readMerged({ path, cellsPath }: { readonly path: string; readonly cellsPath: string }, rect: CellRect, emptyReason: Reason): MergedBlock | null {
  try {
    const { data, mask } = readWindow(path, { band: 1, rect });
    const height = Float32Array.from(data, (value, cell) => (mask === null || mask[cell] === 1 ? value : noHeight));
    const band = (name: keyof typeof cellsBand): Uint16Array => Uint16Array.from(readWindow(cellsPath, { band: cellsBand[name], rect }).data);
    return { height, confidence: band('confidence'), count: band('count'), spread: band('spread'), reason: Uint16Array.from(height, (value) => (value === noHeight ? emptyReason : reason.valid)) };
  } catch (error) {
    if (error instanceof RasterError) return null;
    throw error;
  }
}

/** The first cells of a block's arrays: one block serves tiles of all sizes, as large new arrays keep the garbage collector busy. */
function partOf({ height, confidence, count, spread, reason: why }: MergedBlock, cells: number): MergedBlock {
  const part = (band: Uint16Array): Uint16Array => band.subarray(0, cells);
  return { height: height.subarray(0, cells), confidence: part(confidence), count: part(count), spread: part(spread), reason: part(why) };
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

/** Blocks of at most 256 cells that divide a tile, so that each is written once: those at the scene's rim are often empty. */
function blockSizeFor(tileCells: number): number {
  return [256, 128, 64, 32].find((size) => tileCells % size === 0) ?? 16;
}
