// SPDX-License-Identifier: Apache-2.0
import type { LevelPlan, TilePlan, TileRun } from '@altiplano/protocol';
import { tileId } from './ground-tiles.js';

/**
 * A level's tiles, numbered from 0 in the plan's order, and its tile tasks likewise (tile by tile, pair by pair).
 * Made from the level's runs: it holds a few numbers per run and none per tile.
 */
export interface TileIndex {
  /** Tiles. */
  readonly count: number;
  /** Tiles times their pairs. */
  readonly tasks: number;
  /** Throws RangeError for a number past the last. */
  tileAt(tile: number): TilePlan;
  /** -1 where the level has no such tile. */
  numberAt(ix: number, iy: number): number;
  /** The number of a tile by its id; -1 where the level has no such tile. */
  numberOf(tileId: string): number;
  /** The tile's tasks: the first one's number, and how many. */
  tasksOf(tile: number): { readonly first: number; readonly count: number };
  /** Tile of a task, and which of its pairs. Throws RangeError for a number past the last. */
  ofTask(task: number): { readonly tile: number; readonly pair: number };
}

/** Numbers a level's tiles. Takes as long as there are runs. */
export function openTileIndex(level: Pick<LevelPlan, 'tileRuns' | 'tileCells' | 'resolution'>): TileIndex {
  const { tileRuns: runs } = level;
  const tilesBefore = new Float64Array(runs.length + 1);
  const tasksBefore = new Float64Array(runs.length + 1);
  /** Runs of a row: the first, and the one after the last. */
  const rows = new Map<number, { readonly from: number; to: number }>();
  runs.forEach(({ iy, count, pairs }, r) => {
    tilesBefore[r + 1] = (tilesBefore[r] ?? 0) + count;
    tasksBefore[r + 1] = (tasksBefore[r] ?? 0) + count * pairs.length;
    const row = rows.get(iy);
    if (row === undefined) rows.set(iy, { from: r, to: r + 1 });
    else row.to = r + 1;
  });
  const [count, tasks] = [tilesBefore[runs.length] ?? 0, tasksBefore[runs.length] ?? 0];

  /** The run that holds number `n` of what `before` counts. */
  const runOf = (before: Float64Array, n: number): { readonly run: TileRun; readonly r: number } => {
    const r = lastAtMost(0, runs.length, (k) => before[k] ?? 0, n);
    const run = runs[r];
    if (run === undefined || n < 0 || n >= (before[runs.length] ?? 0)) throw new RangeError(`no number ${n} in a level of ${count} tiles and ${tasks} tasks`);
    return { run, r };
  };
  const numberAt = (ix: number, iy: number): number => {
    const row = rows.get(iy);
    if (row === undefined) return -1;
    const r = lastAtMost(row.from, row.to, (k) => runs[k]?.ix ?? Infinity, ix);
    const run = runs[r];
    return run === undefined || run.iy !== iy || ix < run.ix || ix >= run.ix + run.count ? -1 : (tilesBefore[r] ?? 0) + ix - run.ix;
  };
  return {
    count, tasks, numberAt,
    tileAt(tile) {
      const { run, r } = runOf(tilesBefore, tile);
      return tileOf(level, run, tile - (tilesBefore[r] ?? 0));
    },
    numberOf(id) {
      const [, ix, iy] = /^x(-?\d+)y(-?\d+)$/.exec(id) ?? [];
      return ix === undefined || iy === undefined ? -1 : numberAt(Number(ix), Number(iy));
    },
    tasksOf(tile) {
      const { run, r } = runOf(tilesBefore, tile);
      return { first: (tasksBefore[r] ?? 0) + (tile - (tilesBefore[r] ?? 0)) * run.pairs.length, count: run.pairs.length };
    },
    ofTask(task) {
      const { run, r } = runOf(tasksBefore, task);
      const within = task - (tasksBefore[r] ?? 0);
      return { tile: (tilesBefore[r] ?? 0) + Math.floor(within / run.pairs.length), pair: within % run.pairs.length };
    },
  };
}

/** The tiles of a level in the plan's order. */
export function* tilesOf(level: Pick<LevelPlan, 'tileRuns' | 'tileCells' | 'resolution'>): Generator<TilePlan> {
  for (const run of level.tileRuns) for (let k = 0; k < run.count; k += 1) yield tileOf(level, run, k);
}

/** How many tiles a level has. */
export const tileCount = ({ tileRuns }: Pick<LevelPlan, 'tileRuns'>): number => tileRuns.reduce((sum, { count }) => sum + count, 0);

/** Tiles in the plan's order as runs; `tileCells`: side of a tile's square. */
export function runsOf(tiles: Iterable<TilePlan>, tileCells: number): TileRun[] {
  const runs: { ix: number; iy: number; count: number; core: TileRun['core']; pairs: string[] }[] = [];
  for (const { ix, iy, core, pairs } of tiles) {
    const col = Math.round(core.originE / core.resolution) - ix * tileCells;
    const row = (iy + 1) * tileCells - Math.round(core.originN / core.resolution);
    const last = runs.at(-1);
    const cells: TileRun['core'] = [col, row, core.width, core.height];
    if (last && last.iy === iy && last.ix + last.count === ix && isSame(last.core, cells) && isSame(last.pairs, pairs)) last.count += 1;
    else runs.push({ ix, iy, count: 1, core: cells, pairs: [...pairs] });
  }
  return runs;
}

function tileOf({ tileCells, resolution }: Pick<LevelPlan, 'tileCells' | 'resolution'>, run: TileRun, k: number): TilePlan {
  const [col, row, width, height] = run.core;
  const [ix, iy] = [run.ix + k, run.iy];
  const core = { originE: (ix * tileCells + col) * resolution, originN: ((iy + 1) * tileCells - row) * resolution, resolution, width, height };
  return { id: tileId(ix, iy), ix, iy, core, pairs: run.pairs };
}

const isSame = <T>(a: readonly T[], b: readonly T[]): boolean => a.length === b.length && a.every((value, i) => value === b[i]);

/** The last k in [from, to) with valueAt(k) <= value, of values that grow; from - 1 where there is none. */
function lastAtMost(from: number, to: number, valueAt: (k: number) => number, value: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (valueAt(middle) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
