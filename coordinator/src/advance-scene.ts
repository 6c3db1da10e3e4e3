// SPDX-License-Identifier: Apache-2.0
import {
  type Affine, type HeightRange, type LevelPlan, type ScenePlan, type Task, type TaskOutcome, type TilePlan, identityAffine, taskHash,
} from '@altiplano/protocol';
import { tileId } from './ground-tiles.js';
import { alignTasks, ingestTasks, tileTask, tileTaskId } from './make-tasks.js';

export type ScenePhase = 'planned' | 'ingest' | 'align' | 'pointing' | 'tiles' | 'merging' | 'ranging' | 'publishing' | 'done' | 'partial' | 'failed';
export type EndState = TaskOutcome['state'];

export interface SceneState {
  readonly plan: ScenePlan;
  readonly phase: ScenePhase;
  /** Which of the plan's levels the phases tiles, merging and ranging are about. */
  readonly levelIndex: number;
  /** The phase's tasks by id, and their hashes. */
  readonly tasks: ReadonlyMap<string, { readonly task: Task; readonly hash: string }>;
  /** How tasks of the phase ended. */
  readonly ended: ReadonlyMap<string, EndState>;
  /** Tiles of the level: merge commanded, or done. */
  readonly merges: ReadonlyMap<string, 'asked' | 'merged'>;
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
  /** Height range per tile of level `factor`, and the raster of per-cell ranges. */
  | { readonly type: 'tilesRanged'; readonly factor: number; readonly ranges: ReadonlyMap<string, HeightRange>; readonly priorKey: string | null }
  | { readonly type: 'published' }
  | { readonly type: 'failed'; readonly message: string };

export type SceneCommand =
  | { readonly type: 'publishTasks'; readonly tasks: readonly Task[] }
  /** Read the matches of these done align tasks and solve one correction per pair. */
  | { readonly type: 'solvePointing'; readonly matches: ReadonlyMap<string, readonly string[]> }
  | { readonly type: 'mergeTile'; readonly factor: number; readonly tileId: string }
  | { readonly type: 'mergeLevel'; readonly factor: number }
  /** Make the prior of level `factor` from the merged level `from`. */
  | { readonly type: 'rangeTiles'; readonly factor: number; readonly from: number }
  | { readonly type: 'publishProducts' };

export interface Advance { readonly state: SceneState; readonly commands: readonly SceneCommand[] }

export function initialState(plan: ScenePlan): SceneState {
  return { plan, phase: 'planned', levelIndex: 0, tasks: new Map(), ended: new Map(), merges: new Map(), corrections: new Map(), failure: null };
}

/**
 * The scene's heart: what happened -> what to do next. Pure; an event that is late, doubled or of another
 * phase leaves the state as it was (the very same object), and events of one phase may come in any order.
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
 *                                                       published: done, or partial where tiles are dead
 */
export function advanceScene(state: SceneState, event: SceneEvent): Advance {
  const same: Advance = { state, commands: [] };
  if (isFinal(state.phase)) return same;
  switch (event.type) {
    case 'started': return state.phase === 'planned' ? startTasks(state, 'ingest', ingestTasks(state.plan)) : same;
    case 'tasksEnded': return tasksEnded(state, event.outcomes);
    case 'pointingSolved':
      return state.phase === 'pointing' ? startLevel({ ...state, corrections: event.corrections }, 0, () => state.plan.heightDomain, null) : same;
    case 'tileMerged': return tileMerged(state, event.factor, event.tileId);
    case 'levelMerged': return state.phase === 'merging' && event.factor === levelOf(state).factor ? levelMerged(state) : same;
    case 'tilesRanged': {
      const next = state.plan.levels[state.levelIndex + 1];
      if (state.phase !== 'ranging' || next?.factor !== event.factor) return same;
      return startLevel(state, state.levelIndex + 1, (tile) => event.ranges.get(tile.id) ?? state.plan.heightDomain, event.priorKey);
    }
    case 'published': {
      if (state.phase !== 'publishing') return same;
      return { state: { ...state, phase: [...state.ended.values()].includes('dead') ? 'partial' : 'done' }, commands: [] };
    }
    case 'failed': return fail(state, event.message);
  }
}

export const isFinal = (phase: ScenePhase): phase is 'done' | 'partial' | 'failed' => phase === 'done' || phase === 'partial' || phase === 'failed';

export function levelOf(state: SceneState): LevelPlan {
  const level = state.plan.levels[state.levelIndex];
  if (!level) throw new Error(`scene ${state.plan.sceneId} has no level ${state.levelIndex}`);
  return level;
}

/** Tasks of the phase not ended yet: what the reconciler looks after. */
export function openTasks(state: SceneState): Task[] {
  return [...state.tasks.values()].flatMap(({ task }) => (state.ended.has(task.taskId) ? [] : [task]));
}

/** The done partial DSMs of a tile in the current level, in the plan's order of pairs. */
export function partialsOf(state: SceneState, tile: TilePlan): { readonly pairId: string; readonly outKey: string }[] {
  const { factor } = levelOf(state);
  return tile.pairs.flatMap((pairId) => {
    const id = tileTaskId(factor, tile.id, pairId);
    const entry = state.tasks.get(id);
    return entry && state.ended.get(id) === 'done' ? [{ pairId, outKey: entry.task.outKey }] : [];
  });
}

/** How a tile of the current level ended: dead if any of its tasks is, else done if any is, else empty. */
export function tileEnd(state: SceneState, tile: TilePlan): EndState | null {
  const ends = tile.pairs.map((pairId) => state.ended.get(tileTaskId(levelOf(state).factor, tile.id, pairId)));
  if (ends.includes(undefined)) return null;
  return ends.includes('dead') ? 'dead' : ends.includes('done') ? 'done' : 'empty';
}

function tasksEnded(state: SceneState, outcomes: readonly TaskOutcome[]): Advance {
  const news = outcomes.filter(({ sceneId, taskId, taskHash: hash }) =>
    sceneId === state.plan.sceneId && state.tasks.get(taskId)?.hash === hash && !state.ended.has(taskId));
  if (news.length === 0) return { state, commands: [] };
  const ended = new Map(state.ended);
  // Where one batch tells two ends of a task, the first counts, as it does between batches.
  for (const { taskId, state: end } of news) if (!ended.has(taskId)) ended.set(taskId, end);
  const next = { ...state, ended };
  const complete = ended.size === state.tasks.size;
  switch (state.phase) {
    case 'ingest': {
      const lost = news.find((outcome) => outcome.state !== 'done');
      if (lost) return fail(next, `${lost.taskId}: ${lost.error?.message ?? lost.reason ?? lost.state}`);
      return complete ? startTasks(next, 'align', alignTasks(state.plan)) : { state: next, commands: [] };
    }
    case 'align': return complete ? solvePointing(next) : { state: next, commands: [] };
    case 'tiles': return askMerges(next, news);
    default: return { state, commands: [] };
  }
}

function solvePointing(state: SceneState): Advance {
  const matches = new Map(state.plan.pairs.map(({ id }) => [id, [...state.tasks.values()].flatMap(({ task }) =>
    (task.kind === 'align' && task.pairId === id && state.ended.get(task.taskId) === 'done' ? [task.outKey] : []))]));
  return { state: { ...state, phase: 'pointing' }, commands: [{ type: 'solvePointing', matches }] };
}

/** Commands the merge of every tile that has ended with all its neighbours. */
function askMerges(state: SceneState, news: readonly TaskOutcome[]): Advance {
  const level = levelOf(state);
  const tiles = new Map(level.tiles.map((tile) => [tile.id, tile]));
  const touched = new Set(news.flatMap(({ taskId }) => {
    const task = state.tasks.get(taskId)?.task;
    const tile = task && 'tileId' in task ? tiles.get(task.tileId) : undefined;
    return tile ? around(tiles, tile) : [];
  }));
  const ready = [...touched].filter((tile) => !state.merges.has(tile.id) && around(tiles, tile).every((t) => tileEnd(state, t) !== null));
  if (ready.length === 0) return { state, commands: [] };
  const merges = new Map(state.merges);
  for (const { id } of ready) merges.set(id, 'asked');
  return { state: { ...state, merges }, commands: ready.map(({ id }) => ({ type: 'mergeTile', factor: level.factor, tileId: id })) };
}

function tileMerged(state: SceneState, factor: number, id: string): Advance {
  const level = levelOf(state);
  if (state.phase !== 'tiles' || level.factor !== factor || state.merges.get(id) !== 'asked') return { state, commands: [] };
  const next = { ...state, merges: new Map(state.merges).set(id, 'merged') };
  const complete = level.tiles.every((tile) => next.merges.get(tile.id) === 'merged');
  return complete ? { state: { ...next, phase: 'merging' }, commands: [{ type: 'mergeLevel', factor }] } : { state: next, commands: [] };
}

function levelMerged(state: SceneState): Advance {
  const level = levelOf(state);
  const finer = state.plan.levels[state.levelIndex + 1];
  if (finer) return { state: { ...state, phase: 'ranging' }, commands: [{ type: 'rangeTiles', factor: finer.factor, from: level.factor }] };
  const ends = [...state.ended.values()];
  if (!ends.includes('done')) {
    const dead = ends.filter((end) => end === 'dead').length;
    return fail(state, `none of ${ends.length} tile tasks found a height (${dead} dead, ${ends.length - dead} empty)`);
  }
  return { state: { ...state, phase: 'publishing' }, commands: [{ type: 'publishProducts' }] };
}

function startLevel(state: SceneState, levelIndex: number, rangeOf: (tile: TilePlan) => HeightRange, priorKey: string | null): Advance {
  const level = state.plan.levels[levelIndex];
  const tasks = (level?.tiles ?? []).flatMap((tile) => tile.pairs.map((pairId) => tileTask(state.plan, level ?? levelOf(state), tile, pairId, {
    correction: state.corrections.get(pairId) ?? identityAffine, heightRange: rangeOf(tile), priorKey,
  })));
  return startTasks({ ...state, levelIndex }, 'tiles', tasks);
}

function startTasks(state: SceneState, phase: ScenePhase, tasks: readonly Task[]): Advance {
  const byId = new Map(tasks.map((task) => [task.taskId, { task, hash: taskHash(task) }]));
  const next: SceneState = { ...state, phase, tasks: byId, ended: new Map(), merges: new Map() };
  if (phase === 'align' && tasks.length === 0) return solvePointing(next);
  return { state: next, commands: [{ type: 'publishTasks', tasks }] };
}

function fail(state: SceneState, message: string): Advance {
  return { state: { ...state, phase: 'failed', failure: message }, commands: [] };
}

/** A tile and its neighbours that are in the plan. */
function around(tiles: ReadonlyMap<string, TilePlan>, { ix, iy }: TilePlan): TilePlan[] {
  return [-1, 0, 1].flatMap((dy) => [-1, 0, 1].flatMap((dx) => tiles.get(tileId(ix + dx, iy + dy)) ?? []));
}
