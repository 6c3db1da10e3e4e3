// SPDX-License-Identifier: Apache-2.0
import {
  type Affine, type HeightRange, type LevelPlan, type ScenePlan, type Task, type TaskOutcome, type TilePlan, partialKey, taskHash,
} from '@altiplano/protocol';
import { type ByteEdit, type ByteTable, byteAt, editBytes, makeByteTable } from './byte-table.js';
import { type DeadTasks, isAnyDead, noDeadTasks } from './dead-tasks.js';
import { alignTasks, ingestTasks } from './make-tasks.js';
import { type PhaseTasks, levelTasks, listedTasks } from './phase-tasks.js';
import { type TaskOrders, withOrders } from './task-orders.js';
import { type TileIndex, openTileIndex } from './tile-index.js';

export type ScenePhase = 'planned' | 'ingest' | 'align' | 'pointing' | 'tiles' | 'merging' | 'ranging' | 'publishing' | 'done' | 'partial' | 'failed';
export type EndState = TaskOutcome['state'];
export type EndCounts = Readonly<Record<EndState, number>>;

/**
 * Where a scene stands. Of a phase's tasks it holds a byte each for how they ended and eight for their hash, of a tile a byte
 * for its merge and sixteen for its height range; tasks themselves are made when they are published, and outcomes not kept.
 */
export interface SceneState {
  readonly plan: ScenePlan;
  readonly phase: ScenePhase;
  /** Which of the plan's levels the phases tiles, merging and ranging are about. */
  readonly levelIndex: number;
  /** How many tasks are published ahead of those that ended. */
  readonly ahead: number;
  /** What replays ask of tasks. */
  readonly orders: TaskOrders;
  readonly tasks: PhaseTasks;
  /** Tasks 0 to published - 1 were commanded to be published. */
  readonly published: number;
  /** Eight bytes for each published task, a chunk per batch of `batchOf(ahead)` tasks. */
  readonly hashes: readonly Uint8Array[];
  /** How tasks of the phase ended: 0 not yet, else 1 + the place in `endStates`. */
  readonly ends: ByteTable;
  readonly endCounts: EndCounts;
  /** Of all phases so far. */
  readonly deadTasks: DeadTasks;
  /** The level's tiles. */
  readonly tiles: TileIndex;
  /** Per tile: how many of it and its neighbours have not ended; 0: merge commanded; `isMerged`: done. */
  readonly merges: ByteTable;
  readonly merged: number;
  /** How the level's tiles ended: dead if any of a tile's tasks is, else done if any is, else empty. */
  readonly tileCounts: EndCounts;
  /** Cells that ended tasks owned, per pair in the plan's order. */
  readonly endedCells: readonly number[];
  /** Pointing correction per pair; a pair without one uses the RPCs as they are. */
  readonly corrections: ReadonlyMap<string, Affine>;
  /** Why the scene failed; null else. */
  readonly failure: string | null;
}

export type SceneEvent =
  | { readonly type: 'started' }
  | { readonly type: 'tasksEnded'; readonly outcomes: readonly TaskOutcome[] }
  | { readonly type: 'pointingSolved'; readonly corrections: ReadonlyMap<string, Affine> }
  | { readonly type: 'tileMerged'; readonly factor: number; readonly tileId: string }
  | { readonly type: 'levelMerged'; readonly factor: number }
  /** Lowest and highest height per tile of level `factor`, in the plan's order (null: nothing is known), and the raster of per-cell ranges. */
  | { readonly type: 'tilesRanged'; readonly factor: number; readonly ranges: Float64Array | null; readonly priorKey: string | null }
  | { readonly type: 'published' }
  | { readonly type: 'failed'; readonly message: string };

export type SceneCommand =
  /** Some of the phase's tasks, in their order; the others follow as these end. */
  | { readonly type: 'publishTasks'; readonly tasks: readonly Task[] }
  /** Read the matches of these done align tasks and solve one correction per pair; and how many of a pair's are dead. */
  | { readonly type: 'solvePointing'; readonly matches: ReadonlyMap<string, readonly string[]>; readonly dead: ReadonlyMap<string, number> }
  | { readonly type: 'mergeTile'; readonly factor: number; readonly tileId: string }
  | { readonly type: 'mergeLevel'; readonly factor: number }
  /** Make the prior of level `factor` from the merged level `from`. */
  | { readonly type: 'rangeTiles'; readonly factor: number; readonly from: number }
  | { readonly type: 'publishProducts' };

export interface Advance { readonly state: SceneState; readonly commands: readonly SceneCommand[] }

const endStates = ['done', 'empty', 'dead'] as const;
const noEnds: EndCounts = { done: 0, empty: 0, dead: 0 };
const isMerged = 255;
const hashBytes = 8;

/** Far more than agents have in hand, and little enough that a broker without its state loses little. */
const defaultAhead = 8192;

/** Tasks are published in batches, so that a step costs little. */
const batchOf = (ahead: number): number => Math.max(1, Math.floor(ahead / 8));

/** A scene of which nothing has happened yet. */
export function initialState(
  plan: ScenePlan, { ahead = defaultAhead, orders = new Map() }: { readonly ahead?: number | undefined; readonly orders?: TaskOrders | undefined } = {},
): SceneState {
  return {
    plan, phase: 'planned', levelIndex: 0, ahead, orders, ...phaseStart(plan, listedTasks([])), tiles: openTileIndex({ tileRuns: [], tileCells: 1, resolution: 1 }),
    merges: makeByteTable(0), corrections: new Map(), deadTasks: noDeadTasks, failure: null,
  };
}

/** What a phase begins with. */
const phaseStart = (plan: ScenePlan, tasks: PhaseTasks) => ({
  tasks, published: 0, hashes: [], ends: makeByteTable(tasks.count), endCounts: noEnds, merged: 0, tileCounts: noEnds, endedCells: plan.pairs.map(() => 0),
});

/**
 * The scene's heart: what happened -> what to do next. Pure; an event that is late, doubled or of another
 * phase leaves the state as it was (the very same object), and events of one phase may come in any order.
 * A step costs what it brings, however many tiles the level has.
 *
 *   planned --started--> ingest --all done--> align --all ended--> pointing --pointingSolved--> tiles
 *                          | one not done                                                        |  ^
 *                          v                                                                     |  | tilesRanged,
 *                        failed        for each level, coarsest first:  tiles --all merged--> merging | next level
 *                          ^           (a tile is merged as soon as it and its neighbours        |  |
 *                          |            ended, while others still run)                 levelMerged  |
 *                          |                                                                     |  |
 *                          +-- full resolution, no tile done ------------------------------------+--> ranging
 *                          |                                                                     |
 *                          +-- 'failed' (any phase)          full resolution, some tile done --> publishing
 *                                                                                                |
 *                                                       published: done, or partial where any task is dead
 */
export function advanceScene(state: SceneState, event: SceneEvent): Advance {
  const same: Advance = { state, commands: [] };
  if (isFinal(state.phase)) return same;
  switch (event.type) {
    case 'started': return state.phase === 'planned' ? startTasks(state, 'ingest', listedTasks(ingestTasks(state.plan))) : same;
    case 'tasksEnded': return tasksEnded(state, event.outcomes);
    case 'pointingSolved':
      return state.phase === 'pointing' ? startLevel({ ...state, corrections: event.corrections }, 0, null, null) : same;
    case 'tileMerged': return tileMerged(state, event.factor, event.tileId);
    case 'levelMerged': return state.phase === 'merging' && event.factor === levelOf(state).factor ? levelMerged(state) : same;
    case 'tilesRanged': {
      const next = state.plan.levels[state.levelIndex + 1];
      if (state.phase !== 'ranging' || next?.factor !== event.factor) return same;
      return startLevel(state, state.levelIndex + 1, event.ranges, event.priorKey);
    }
    case 'published': return state.phase === 'publishing' ? { state: { ...state, phase: isAnyDead(state.deadTasks) ? 'partial' : 'done' }, commands: [] } : same;
    case 'failed': return fail(state, event.message);
  }
}

/** Whether nothing follows a phase any more. */
export const isFinal = (phase: ScenePhase): phase is 'done' | 'partial' | 'failed' => phase === 'done' || phase === 'partial' || phase === 'failed';

/** False where all tasks have ended, and what is left (merging at full resolution, publishing) needs none. */
export function hasTasksAhead({ phase, levelIndex, plan, tasks, endCounts: { done, empty, dead } }: SceneState): boolean {
  if (isFinal(phase) || phase === 'publishing') return false;
  const isLastStep = levelIndex === plan.levels.length - 1 && (phase === 'tiles' || phase === 'merging');
  return !isLastStep || done + empty + dead < tasks.count;
}

/** The level that the phases tiles, merging and ranging are about. */
export function levelOf(state: SceneState): LevelPlan {
  const level = state.plan.levels[state.levelIndex];
  if (!level) throw new Error(`scene ${state.plan.sceneId} has no level ${state.levelIndex}`);
  return level;
}

/** How many tasks of the phase have ended. */
export const endedTasks = ({ endCounts: { done, empty, dead } }: SceneState): number => done + empty + dead;

/** Published tasks not ended yet, made one by one: what the reconciler looks after. */
export function* openTasks(state: SceneState): Generator<Task> {
  for (let number = 0; number < state.published; number += 1) if (byteAt(state.ends, number) === 0) yield state.tasks.taskAt(number);
}

/** The phase's tasks that ended with a result. */
export function* doneTasks(state: SceneState): Generator<Task> {
  for (let number = 0; number < state.published; number += 1) if (byteAt(state.ends, number) === 1) yield state.tasks.taskAt(number);
}

/** Those of the outcomes that tell something new: of a published task of the phase, as it was published, that has not ended. */
export function newOutcomes(state: SceneState, outcomes: readonly TaskOutcome[]): { readonly number: number; readonly outcome: TaskOutcome }[] {
  const seen = new Set<number>();
  return outcomes.flatMap((outcome) => {
    const number = outcome.sceneId === state.plan.sceneId ? state.tasks.numberOf(outcome.taskId) : -1;
    if (number < 0 || number >= state.published || outcome.taskHash !== hashAt(state, number)) return [];
    if (outcome.round < (state.orders.get(outcome.taskId)?.round ?? 0)) return [];
    // Where a task is told to have ended twice, the first counts.
    if (seen.has(number) || byteAt(state.ends, number) !== 0) return [];
    seen.add(number);
    return [{ number, outcome }];
  });
}

/** How a task of the phase ended; null where it has not. */
export function endOf(state: SceneState, taskId: string): EndState | null {
  const number = state.tasks.numberOf(taskId);
  return number < 0 ? null : endStates[byteAt(state.ends, number) - 1] ?? null;
}

/** The done partial DSMs of a tile in the current level, in the plan's order of pairs. */
export function partialsOf(state: SceneState, tile: TilePlan): { readonly pairId: string; readonly outKey: string }[] {
  const { factor } = levelOf(state);
  const number = state.tiles.numberAt(tile.ix, tile.iy);
  if (number < 0 || state.phase === 'planned') return [];
  const { first } = state.tiles.tasksOf(number);
  return tile.pairs.flatMap((pairId, pair) => (byteAt(state.ends, first + pair) === 1
    ? [{ pairId, outKey: partialKey(state.plan.sceneId, factor, tile.id, pairId, hashAt(state, first + pair)) }] : []));
}

/** How a tile of the current level ended; null where it has not. */
export function tileEnd(state: SceneState, tile: TilePlan): EndState | null {
  const number = state.tiles.numberAt(tile.ix, tile.iy);
  return number < 0 ? null : endOfTile(state.tiles, (task) => byteAt(state.ends, task), number);
}

/** Dead if any of its tasks is, else done if any is, else empty. */
function endOfTile(tiles: TileIndex, endAt: (task: number) => number, tile: number): EndState | null {
  const { first, count } = tiles.tasksOf(tile);
  let end: EndState = 'empty';
  for (let task = first; task < first + count; task += 1) {
    const state = endStates[endAt(task) - 1];
    if (state === undefined) return null;
    if (state === 'dead' || (state === 'done' && end === 'empty')) end = state;
  }
  return end;
}

function tasksEnded(state: SceneState, outcomes: readonly TaskOutcome[]): Advance {
  const news = newOutcomes(state, outcomes);
  if (news.length === 0) return { state, commands: [] };
  const ends = editBytes(state.ends);
  const [endCounts, deadTasks] = [{ ...state.endCounts }, { ...state.deadTasks }];
  for (const { number, outcome } of news) {
    ends.set(number, 1 + endStates.indexOf(outcome.state));
    endCounts[outcome.state] += 1;
    if (outcome.state === 'dead') deadTasks[outcome.kind] += 1;
  }
  const next = { ...state, ends: ends.end(), endCounts, deadTasks };
  const isComplete = endedTasks(next) === state.tasks.count;
  switch (state.phase) {
    case 'ingest': {
      const lost = news.find(({ outcome }) => outcome.state !== 'done')?.outcome;
      if (lost) return fail(next, `${lost.taskId}: ${lost.error?.message ?? lost.reason ?? lost.state}`);
      return isComplete ? startTasks(next, 'align', listedTasks(alignTasks(state.plan))) : publishMore(next);
    }
    case 'align': return isComplete ? solvePointing(next) : publishMore(next);
    case 'tiles': {
      const ended = endTiles(next, ends, news.map(({ number }) => number));
      const more = publishMore(ended.state);
      return { state: more.state, commands: [...more.commands, ...ended.commands] };
    }
    default: return { state, commands: [] };
  }
}

function solvePointing(state: SceneState): Advance {
  const matches = new Map(state.plan.pairs.map(({ id }): [string, string[]] => [id, []]));
  const dead = new Map(state.plan.pairs.map(({ id }) => [id, 0]));
  for (let number = 0; number < state.tasks.count; number += 1) {
    const task = state.tasks.taskAt(number);
    if (task.kind !== 'align') continue;
    const end = endStates[byteAt(state.ends, number) - 1];
    if (end === 'done') matches.get(task.pairId)?.push(task.outKey);
    if (end === 'dead') dead.set(task.pairId, (dead.get(task.pairId) ?? 0) + 1);
  }
  return { state: { ...state, phase: 'pointing' }, commands: [{ type: 'solvePointing', matches, dead }] };
}

/** Counts the tiles that ended with these tasks, and commands the merge of every tile that has now ended with all its neighbours. */
function endTiles(state: SceneState, ends: ByteEdit, tasks: readonly number[]): Advance {
  const { tiles, plan } = state;
  const { factor } = levelOf(state);
  const merges = editBytes(state.merges);
  const tileCounts = { ...state.tileCounts };
  const endedCells = [...state.endedCells];
  const commands: SceneCommand[] = [];
  const counted = new Set<number>();
  for (const task of tasks) {
    const { tile, pair } = tiles.ofTask(task);
    const { ix, iy, core, pairs } = tiles.tileAt(tile);
    const pairNumber = plan.pairs.findIndex(({ id }) => id === pairs[pair]);
    endedCells[pairNumber] = (endedCells[pairNumber] ?? 0) + core.width * core.height;
    const end = counted.has(tile) ? null : endOfTile(tiles, ends.get, tile);
    if (end === null) continue;
    counted.add(tile);
    tileCounts[end] += 1;
    forAround(tiles, ix, iy, (near) => {
      const waiting = merges.get(near) - 1;
      merges.set(near, waiting);
      if (waiting === 0) commands.push({ type: 'mergeTile', factor, tileId: tiles.tileAt(near).id });
    });
  }
  return { state: { ...state, merges: merges.end(), tileCounts, endedCells }, commands };
}

function tileMerged(state: SceneState, factor: number, id: string): Advance {
  const tile = state.phase === 'tiles' && levelOf(state).factor === factor ? state.tiles.numberOf(id) : -1;
  if (tile < 0 || byteAt(state.merges, tile) !== 0) return { state, commands: [] };
  const merges = editBytes(state.merges);
  merges.set(tile, isMerged);
  const next = { ...state, merges: merges.end(), merged: state.merged + 1 };
  return next.merged === state.tiles.count ? { state: { ...next, phase: 'merging' }, commands: [{ type: 'mergeLevel', factor }] } : { state: next, commands: [] };
}

function levelMerged(state: SceneState): Advance {
  const level = levelOf(state);
  const finer = state.plan.levels[state.levelIndex + 1];
  if (finer) return { state: { ...state, phase: 'ranging' }, commands: [{ type: 'rangeTiles', factor: finer.factor, from: level.factor }] };
  const { done, empty, dead } = state.endCounts;
  if (done === 0) return fail(state, `none of ${empty + dead} tile tasks found a height (${dead} dead, ${empty} empty)`);
  return { state: { ...state, phase: 'publishing' }, commands: [{ type: 'publishProducts' }] };
}

function startLevel(state: SceneState, levelIndex: number, ranges: Float64Array | null, priorKey: string | null): Advance {
  const next = { ...state, levelIndex };
  const level = levelOf(next);
  const tiles = openTileIndex(level);
  const rangeOf = (tile: number): HeightRange => (ranges === null ? state.plan.heightDomain : [ranges[2 * tile] ?? NaN, ranges[2 * tile + 1] ?? NaN]);
  const waiting = editBytes(makeByteTable(tiles.count));
  let number = 0;
  for (const { ix, iy, count } of level.tileRuns) {
    for (let k = 0; k < count; k += 1, number += 1) {
      let around = 0;
      forAround(tiles, ix + k, iy, () => { around += 1; });
      waiting.set(number, around);
    }
  }
  const tasks = levelTasks(state.plan, level, tiles, { corrections: state.corrections, rangeOf, priorKey });
  return startTasks({ ...next, tiles, merges: waiting.end() }, 'tiles', tasks);
}

function startTasks(state: SceneState, phase: ScenePhase, tasks: PhaseTasks): Advance {
  const next: SceneState = { ...state, phase, ...phaseStart(state.plan, withOrders(tasks, state.orders)) };
  return phase === 'align' && tasks.count === 0 ? solvePointing(next) : publishMore(next);
}

/** Commands more tasks while fewer than `ahead` are published and not ended. */
function publishMore(state: SceneState): Advance {
  const { tasks, ahead } = state;
  const batch = batchOf(ahead);
  const until = Math.min(tasks.count, endedTasks(state) + Math.max(ahead, batch));
  const commands: SceneCommand[] = [];
  const hashes: Uint8Array[] = [];
  let { published } = state;
  while (published + Math.min(batch, tasks.count - published) <= until && published < tasks.count) {
    const some = Array.from({ length: Math.min(batch, tasks.count - published) }, (_, k) => tasks.taskAt(published + k));
    hashes.push(Uint8Array.from(Buffer.from(some.map((task) => taskHash(task)).join(''), 'hex')));
    commands.push({ type: 'publishTasks', tasks: some });
    published += some.length;
  }
  return commands.length === 0 ? { state, commands } : { state: { ...state, published, hashes: [...state.hashes, ...hashes] }, commands };
}

function hashAt({ hashes, ahead }: SceneState, number: number): string {
  const batch = batchOf(ahead);
  const at = (number % batch) * hashBytes;
  return Buffer.from(hashes[Math.floor(number / batch)]?.subarray(at, at + hashBytes) ?? []).toString('hex');
}

function fail(state: SceneState, message: string): Advance {
  return { state: { ...state, phase: 'failed', failure: message }, commands: [] };
}

/** Calls `visit` with a tile and its neighbours that are in the plan. */
function forAround(tiles: TileIndex, ix: number, iy: number, visit: (tile: number) => void): void {
  for (let dy = -1; dy <= 1; dy += 1) {
    for (let dx = -1; dx <= 1; dx += 1) {
      const near = tiles.numberAt(ix + dx, iy + dy);
      if (near >= 0) visit(near);
    }
  }
}
