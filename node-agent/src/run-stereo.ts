// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import {
  type DisparityMap, type ImageWindow, type PartialDsm, type PixelRect, type RectImage, type SearchRange, type TileGeometry,
  cellsWithPoints, dsmFromDisparity, extentArea, filterDisparity, matchPair, rectify, release, scaleAffine, searchRange, tileGeometry, tileMemoryBytes,
} from '@altiplano/kernels';
import { readWindow, transformPoints, writeGeoTiff } from '@altiplano/kernels/raster';
import type { GridSpec, GroundBox, StereoTask } from '@altiplano/protocol';
import { MemoryBudgetError, agentProcessMb } from '@altiplano/protocol/plain';
import { type ImageLevel, imageLevel } from './image-level.js';
import { readPrior } from './read-prior.js';
import { scratchFile } from './scratch.js';
import { type StageClock, makeStageClock } from './stage-clock.js';
import type { TaskPorts, TaskResult } from './task-result.js';

/**
 * Turns one stereo task into a stored partial DSM: a GeoTIFF on the tile's grid, halo included, with bands
 * height (metres above the ellipsoid), weight, spread (metres) and count. Ends 'empty' with a reason where the
 * tile has nothing to match. Throws AltiplanoError. Reads and writes only through `store`.
 */
export async function runStereo(ports: TaskPorts, task: StereoTask, signal?: AbortSignal): Promise<TaskResult> {
  const clock = makeStageClock({ onStage: ports.onStage });
  return storePartial(ports, task, clock, computePartial(ports, task, clock, signal));
}

/** What stereo makes of a tile; nothing, with the reason, where there is nothing to match. */
export type StereoPartial = { readonly metrics: Record<string, number> } & ({ readonly partial: PartialDsm } | { readonly partial: null; readonly reason: string });

/** Computes a task's partial DSM, on the task's grid. Throws AltiplanoError. */
export function computePartial({ store, watch }: TaskPorts, task: StereoTask, clock: StageClock, signal?: AbortSignal): StereoPartial {
  const empty = (reason: string, metrics: Record<string, number> = {}): StereoPartial => ({ partial: null, reason, metrics });

  const ref = imageLevel(store, task.ref, task.factor);
  const sec = imageLevel(store, task.sec, task.factor);
  const geometry = clock.time('geometry', () => geometryOf(task, ref, sec));
  const { refWindow, secWindow } = geometry;
  if (refWindow === null) return empty('outside-reference');
  if (secWindow === null) return empty('outside-secondary');

  const prior = clock.time('range', () => (task.priorKey === null ? null : readPrior(store.gdalPath(task.priorKey), boxOf(task.grid), task.heightRange)));
  // Coarse levels take little time, and their blunders become ranges of the next one: every row gets the widest's candidates there.
  const { range, clipped } = clock.time('range', () => searchRange({ geometry, prior, maxCount: task.params.maxDisparities, slackPx: 2, byRow: task.factor === 1 }));
  const memoryMb = checkMemory(task, geometry, range, refWindow, secWindow);

  const refPixels = clock.time('read', () => readLevel(ref, refWindow));
  const secPixels = clock.time('read', () => readLevel(sec, secWindow));
  signal?.throwIfAborted();
  watch?.windows(refPixels, ref.rpc, secPixels, sec.rpc);
  const refImage = clock.time('rectify', () => rectify(refPixels, geometry.refFromRect, geometry.rect, geometry.extents));
  const secImage = clock.time('rectify', () => rectify(secPixels, geometry.secFromRect, geometry.secRect, geometry.secExtents));
  release(refPixels, secPixels);
  if (!hasValid(refImage)) return empty('no-data-reference');
  if (!hasValid(secImage)) return empty('no-data-secondary');
  signal?.throwIfAborted();

  watch?.rectified(refImage, secImage, range);
  const matched = clock.time('match', () => matchPair(refImage, secImage, range, { ...task.params, specklePx: levelSpecklePx(task) }));
  release(refImage, secImage, range);
  signal?.throwIfAborted();
  watch?.matched(matched);
  const disparity = clock.time('filter', () => filterForLevel(matched, task));
  release(matched);
  watch?.filtered(disparity, geometry);
  const { dsm: partial, outliers } = clock.time('rasterize', () => dsmFromDisparity({
    map: disparity,
    groundFromRect: geometry.groundFromRect,
    grid: task.grid,
    limits: {
      heightRange: task.heightRange, prior, slackM: outlierSlackPx / geometry.pxPerMetre, towerM, searchedM: range.count / geometry.pxPerMetre,
    },
    options: { sigma: task.params.rasterSigma, radius: task.params.rasterRadius },
  }));
  release(disparity);

  const validCells = cellsWithPoints(partial);
  const metrics = {
    matchedPixels: extentArea(geometry.extents),
    deliveredCells: coreCells(task),
    validCells,
    outliers,
    disparities: range.count,
    memoryMb,
    rangeClipped: clipped ? 1 : 0,
    epipolarResidualPx: geometry.epipolarResidualPx,
    groundErrorM: geometry.groundErrorM,
    baseToHeight: geometry.baseToHeight,
  };
  return validCells === 0 ? empty('no-match', metrics) : { partial, metrics };
}

/** Puts a partial DSM into the store, under the task's key. */
export async function storePartial(
  { store }: Pick<TaskPorts, 'store'>, task: StereoTask, clock: StageClock, computed: StereoPartial,
): Promise<TaskResult> {
  const { metrics } = computed;
  if (computed.partial === null) return { state: 'empty', reason: computed.reason, stages: clock.seconds(), metrics };
  const { partial } = computed;
  const path = scratchFile(task, '.tif');
  try {
    clock.time('store', () => writePartial(path, task, partial));
    release(partial);
    await clock.timeAsync('store', () => store.putFileIfAbsent(task.outKey, path));
  } finally {
    await rm(path, { force: true });
  }
  return { state: 'done', outKey: task.outKey, stages: clock.seconds(), metrics };
}

/**
 * A speckle is a patch of ground, so at reduced levels it has fewer pixels: small roofs are worth finding there. A patch far
 * above or below all around it must be larger to be believed: a single blunder of hundreds of metres widens the
 * search of the whole tile below it.
 */
function filterForLevel(matched: DisparityMap, task: StereoTask): DisparityMap {
  if (task.factor === 1) return filterDisparity(matched, task.params);
  const connected = filterDisparity(matched, { ...detachedPatch, medianSize: 1 });
  const filtered = filterDisparity(connected, { ...task.params, specklePx: levelSpecklePx(task) });
  release(connected);
  return filtered;
}
const levelSpecklePx = ({ params, factor }: StereoTask): number =>
  Math.min(params.specklePx, Math.max(leastSpecklePx, Math.round(params.specklePx / factor)));
const detachedPatch = { specklePx: 150, speckleStepPx: 12 };
const leastSpecklePx = 8;

/** Heights further outside their bounds than this many pixels of disparity are outliers. */
const outlierSlackPx = 3;
/** A tower the coarse level missed: 10 storeys. */
const towerM = 30;

function geometryOf(task: StereoTask, ref: ImageLevel, sec: ImageLevel): TileGeometry {
  return tileGeometry({
    ref: { rpc: ref.rpc, width: ref.width, height: ref.height },
    sec: { rpc: sec.rpc, width: sec.width, height: sec.height, correction: scaleAffine(task.correction, sec.factorCol, sec.factorRow) },
    box: boxOf(task.grid),
    heightRange: task.heightRange,
    lonLatFromGround: (points) => transformPoints(task.crs, 'EPSG:4326', points),
    marginPx: task.params.marginPx,
  });
}

function boxOf(grid: GridSpec): GroundBox {
  return {
    minE: grid.originE, minN: grid.originN - grid.height * grid.resolution,
    maxE: grid.originE + grid.width * grid.resolution, maxN: grid.originN,
  };
}

/** Nothing is allocated before the estimate is known to fit: wrong ranges are what makes stereo run out of memory. */
function checkMemory(task: StereoTask, geometry: TileGeometry, range: SearchRange, ...windows: readonly PixelRect[]): number {
  const { rect, secRect } = geometry;
  const bytes = tileMemoryBytes({ rect, secRect, windows, grid: task.grid, ...range });
  const neededMb = agentProcessMb + bytes / 2 ** 20;
  if (neededMb > task.memoryBudgetMb) {
    throw new MemoryBudgetError(
      `tile ${task.tileId} pair ${task.pairId} level ${task.factor}: ${rect.width} x ${rect.height} pixels ` +
      `at ${range.count} disparities need ${neededMb.toFixed(0)} MB, ` +
      `the budget is ${task.memoryBudgetMb} MB; give smaller tiles (--tile) or a larger budget (--memory)`);
  }
  return Math.round(neededMb);
}

function readLevel(level: ImageLevel, rect: PixelRect): ImageWindow {
  return readWindow(level.path, { band: 1, rect, ...(level.overview === undefined ? {} : { overview: level.overview }) });
}

const hasValid = (image: RectImage): boolean => image.valid.includes(1);

/** Cells a task delivers, its halo left out. */
export const coreCells = ({ grid, haloCells }: StereoTask): number => (grid.width - 2 * haloCells) * (grid.height - 2 * haloCells);

function writePartial(path: string, task: StereoTask, partial: PartialDsm): void {
  const { originE, originN, resolution, width, height } = task.grid;
  writeGeoTiff(path, {
    width, height,
    bands: [
      { data: partial.height, description: 'height', noData: NaN },
      { data: partial.weight, description: 'weight' },
      { data: partial.spread, description: 'spread', noData: NaN },
      { data: partial.count, description: 'count' },
    ],
    crs: task.crs,
    geotransform: [originE, resolution, 0, originN, 0, -resolution],
    metadata: { ALTIPLANO_TASK: task.taskId, ALTIPLANO_PAIR: task.pairId, ALTIPLANO_TILE: task.tileId },
    // Read again within minutes, once and a bit, so compressing would cost 4 to 30 times what it saves (docs/decisions/0007-ground.md).
    // Each band lies in one piece, its rows in order: a window of rows is one run of bytes.
    tiled: false,
    stripRows: 64,
    compress: 'NONE',
  });
}
