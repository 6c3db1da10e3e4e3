// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AltiplanoError, type HeightRange, InputError, type LevelPlan, type ScenePlan, type Task, type TaskOutcome, alignMatchesSchema, coarseDsmKey,
  ledgerKey, planKey, pointingKey, taskHash,
} from '@altiplano/protocol';
import {
  type SceneCommand, type SceneEvent, type SceneState, advanceScene, initialState, isFinal, levelOf, openTasks, partialsOf, tileEnd,
} from './advance-scene.js';
import { boxOfGrid, withHalo } from './ground-tiles.js';
import { makeInbox } from './inbox.js';
import { pairOf } from './make-tasks.js';
import { readLedger } from './read-ledger.js';
import type { Merge, MergedDsm } from './merge-dsm.js';
import { type SceneResult, stageSeconds, tileCounts } from './scene-result.js';
import type { ScenePorts } from './scene-work.js';
import type { Pointing } from './solve-pointing.js';

export interface RunOptions {
  /** Where the products go. */
  readonly outDir: string;
  /** Local folder for rasters in the making. */
  readonly workDir: string;
  /** Without progress for this long, what the ledger lacks is published again. */
  readonly reconcileMs?: number;
  readonly onState?: (state: SceneState) => void;
  readonly onWarning?: (message: string) => void;
}

/**
 * Runs a scene to its end: feeds what happens to advanceScene and carries out its commands. The store is the
 * truth: outcomes in the ledger from an earlier run of the same plan are taken as they are (dead tasks are
 * tried again), and whatever the bus loses is read from the ledger or published again by the reconciler.
 *
 * Throws InputError where the store has another plan under this scene id; the signal's reason on abort;
 * failures of a scene come back as a result with state 'failed'.
 */
export async function runScene(ports: ScenePorts, plan: ScenePlan, options: RunOptions, signal: AbortSignal): Promise<SceneResult> {
  await mkdir(options.workDir, { recursive: true });
  await keepPlan(ports, plan);
  const started = { ms: ports.now(), cpu: ports.cpuSeconds() };
  const stop = new AbortController();
  const stopped = AbortSignal.any([signal, stop.signal]);
  const inbox = makeInbox<SceneEvent>();
  const shell = openShell(ports, plan, options, inbox.push, stopped);

  void follow(ports, plan, options, inbox.push, stopped);
  let state = initialState(plan);
  let progress = 0;
  const reconciler = setInterval(() => {
    const before = progress;
    progress = 0;
    if (before === 0) void shell.reconcile(state);
  }, options.reconcileMs ?? 10_000);
  try {
    inbox.push({ type: 'started' });
    while (!isFinal(state.phase)) {
      for (const event of joined(await inbox.next(signal))) {
        if (event.type === 'tasksEnded') shell.keep(event.outcomes, state);
        const { state: next, commands } = advanceScene(state, event);
        if (next !== state) progress += 1;
        state = next;
        for (const command of commands) shell.carryOut(command, () => state);
        options.onState?.(state);
      }
    }
    const { pointing, products, outcomes, warnings } = shell.results();
    return {
      plan, state: isFinal(state.phase) ? state.phase : 'failed', failure: state.failure, tiles: tileCounts(plan, outcomes), outcomes: [...outcomes.values()],
      pointing, products, warnings,
      stages: stageSeconds([...outcomes.values()], shell.ownSeconds()), coordinatorSeconds: ports.cpuSeconds() - started.cpu,
      wallSeconds: (ports.now() - started.ms) / 1000,
    };
  } finally {
    clearInterval(reconciler);
    stop.abort();
    await shell.close();
  }
}

/** The plan is written once; the same plan again means: go on where the last run ended. */
async function keepPlan({ store }: ScenePorts, plan: ScenePlan): Promise<void> {
  const text = JSON.stringify(plan);
  if (await store.putIfAbsent(planKey(plan.sceneId), new TextEncoder().encode(text))) return;
  const kept = new TextDecoder().decode(await store.get(planKey(plan.sceneId)));
  if (kept === text) return;
  const by = /"software":"([^"]+)"/.exec(kept)?.[1] ?? 'an older program';
  const made = by === plan.software ? '' : ` (made by ${by}, and this is ${plan.software})`;
  throw new InputError(`scene ${plan.sceneId}: ${store.url} already has another plan under this id${made}; choose another --scene-id, or --fresh to drop the old one`);
}

/** Passes ended tasks on from the bus; the reconciler makes up for what is missed, so an outage only slows. */
async function follow(ports: ScenePorts, plan: ScenePlan, options: RunOptions, push: (event: SceneEvent) => void, signal: AbortSignal): Promise<void> {
  try {
    for await (const event of ports.queue.events(plan.sceneId, signal)) {
      // Said at once: the next attempt may come minutes later, and a silent run looks hung.
      if (event.type === 'retrying') options.onWarning?.(`${event.taskId}: attempt ${event.attempt} failed, it will be tried again: ${event.error}`);
      if (event.type === 'ended') push({ type: 'tasksEnded', outcomes: [event.outcome] });
    }
  } catch (error) {
    if (!signal.aborted) options.onWarning?.(`events: ${messageOf(error)}; following the ledger instead`);
  }
}

interface Shell {
  carryOut(command: SceneCommand, state: () => SceneState): void;
  keep(outcomes: readonly TaskOutcome[], state: SceneState): void;
  reconcile(state: SceneState): Promise<void>;
  results(): { pointing: readonly Pointing[]; products: Record<string, string>; outcomes: ReadonlyMap<string, TaskOutcome>; warnings: readonly string[] };
  /** CPU seconds spent here, by stage. */
  ownSeconds(): Record<string, number>;
  close(): Promise<void>;
}

/** Carries out commands one after the other: merging is single-threaded, and its order is the state machine's. */
function openShell(ports: ScenePorts, plan: ScenePlan, options: RunOptions, push: (event: SceneEvent) => void, signal: AbortSignal): Shell {
  const { store, queue, work } = ports;
  const outcomes = new Map<string, TaskOutcome>();
  const merges = new Map<number, Merge>();
  const merged = new Map<number, MergedDsm>();
  const seconds: Record<string, number> = {};
  const warnings: string[] = [...plan.warnings];
  let pointing: readonly Pointing[] = [];
  let products: Record<string, string> = {};
  let chain: Promise<void> = Promise.resolve();
  let earlier: Promise<Map<string, TaskOutcome>> | null = null;

  const warn = (message: string): void => {
    warnings.push(message);
    options.onWarning?.(message);
  };
  const timed = async <T>(stage: string, job: () => Promise<T> | T): Promise<T> => {
    const since = ports.cpuSeconds();
    try {
      return await job();
    } finally {
      seconds[stage] = (seconds[stage] ?? 0) + ports.cpuSeconds() - since;
    }
  };

  async function publishTasks(tasks: readonly Task[]): Promise<void> {
    earlier ??= readLedger(store, plan.sceneId);
    const known = await earlier;
    const ended: TaskOutcome[] = [];
    const open: Task[] = [];
    for (const task of tasks) {
      const outcome = known.get(task.taskId);
      if (outcome && await stillCounts(task, outcome)) ended.push(outcome);
      else {
        if (outcome) await store.delete(ledgerKey(plan.sceneId, task.taskId));
        open.push(task);
      }
    }
    if (ended.length > 0) push({ type: 'tasksEnded', outcomes: ended });
    await queue.publishTasks(open, signal);
  }

  /** Whether an earlier run's outcome is this task's, its result is still there, and it isn't worth another try. */
  async function stillCounts(task: Task, outcome: TaskOutcome): Promise<boolean> {
    if (outcome.taskHash !== taskHash(task) || outcome.state === 'dead') return false;
    return outcome.state === 'empty' || (await store.has(task.outKey));
  }

  async function solvePointing(matchKeys: ReadonlyMap<string, readonly string[]>): Promise<void> {
    const solved: Pointing[] = [];
    for (const [pairId, keys] of matchKeys) {
      const matches: [number, number, number, number, number][] = [];
      for (const key of keys) matches.push(...alignMatchesSchema.parse(JSON.parse(new TextDecoder().decode(await store.get(key)))).matches);
      const solution = work.solvePointing(plan, pairOf(plan, pairId), matches);
      if (solution.model === 'none') warn(`pair ${pairId}: pointing not solved (${solution.reason ?? 'no matches'}); using the RPCs as they are`);
      solved.push(solution);
      await store.put(pointingKey(plan.sceneId, pairId), new TextEncoder().encode(JSON.stringify(solution)));
    }
    pointing = solved;
    push({ type: 'pointingSolved', corrections: new Map(solved.map(({ pairId, correction }) => [pairId, correction])) });
  }

  function mergeOf(level: LevelPlan, state: () => SceneState): Merge {
    const tiles = new Map(level.tiles.map((tile) => [tile.id, tile]));
    const merge = merges.get(level.factor) ?? work.openMerge({
      store, plan, level, path: join(options.workDir, `${plan.sceneId}-merged-${level.factor}.tif`),
      partials: (id) => { const tile = tiles.get(id); return tile ? partialsOf(state(), tile) : []; },
      isDead: (id) => { const tile = tiles.get(id); return tile !== undefined && tileEnd(state(), tile) === 'dead'; },
    });
    merges.set(level.factor, merge);
    return merge;
  }

  async function mergeLevel(state: () => SceneState): Promise<void> {
    const level = levelOf(state());
    const result = await mergeOf(level, state).finish();
    merges.delete(level.factor);
    if (level.factor > 1) {
      const key = coarseDsmKey(plan.sceneId, level.factor);
      await store.putFile(key, result.path);
      merged.set(level.factor, { ...result, path: store.gdalPath(key) });
      if (result.validCells === 0) {
        const [low, high] = plan.heightDomain;
        warn(`level 1/${level.factor}: no cell got a height; the next level searches ${low.toFixed(0)} to ${high.toFixed(0)} m`);
      }
    } else merged.set(1, result);
    push({ type: 'levelMerged', factor: level.factor });
  }

  /**
   * The prior of a level from the merged one above. A tile that the level above saw nothing of searches what
   * the whole level above found: what lies outside of it is rather unseen than higher.
   */
  async function rangeTiles(factor: number, from: number): Promise<void> {
    const above = merged.get(from);
    const level = plan.levels.find((candidate) => candidate.factor === factor);
    if (!above || !level) throw new AltiplanoError('plan', `scene ${plan.sceneId}: no level ${from} to range level ${factor} by`);
    if (above.validCells === 0) {
      push({ type: 'tilesRanged', factor, ranges: new Map(), priorKey: null });
      return;
    }
    const prior = await work.makePrior({ merged: above, plan, factor: from, store });
    const scene: HeightRange = [above.minHeight, Math.max(above.maxHeight, above.minHeight + 1)];
    const ranges = new Map(level.tiles.map((tile): [string, HeightRange] =>
      [tile.id, prior.tileHeightRange(boxOfGrid(withHalo(tile.core, level.haloCells))) ?? scene]));
    push({ type: 'tilesRanged', factor, ranges, priorKey: prior.key });
  }

  async function publishProducts(): Promise<void> {
    const full = merged.get(1);
    if (!full) throw new AltiplanoError('plan', `scene ${plan.sceneId}: nothing merged at full resolution`);
    products = await work.publishProducts({
      store, plan, merged: full, pointing, outDir: options.outDir,
      // In the order of their ids, so that reports don't depend on who was first.
      outcomes: [...outcomes.values()].sort((a, b) => (a.taskId < b.taskId ? -1 : 1)), timings: stageSeconds([...outcomes.values()], seconds),
    });
    push({ type: 'published' });
  }

  async function run(command: SceneCommand, state: () => SceneState): Promise<void> {
    switch (command.type) {
      case 'publishTasks': return publishTasks(command.tasks);
      case 'solvePointing': return timed('pointing', () => solvePointing(command.matches));
      case 'mergeTile':
        await timed('merge', () => mergeOf(levelOf(state()), state).mergeTile(command.tileId));
        return push({ type: 'tileMerged', factor: command.factor, tileId: command.tileId });
      case 'mergeLevel': return timed('merge', () => mergeLevel(state));
      case 'rangeTiles': return timed('range', () => rangeTiles(command.factor, command.from));
      case 'publishProducts': return timed('publish', publishProducts);
    }
  }

  return {
    carryOut(command, state) {
      chain = chain.then(async () => {
        if (signal.aborted) return;
        try {
          await run(command, state);
        } catch (error) {
          if (!signal.aborted) push({ type: 'failed', message: `${command.type}: ${messageOf(error)}` });
        }
      });
    },
    keep(news, state) {
      for (const outcome of news) {
        const hash = state.tasks.get(outcome.taskId)?.hash;
        if (hash === outcome.taskHash && !outcomes.has(outcome.taskId)) outcomes.set(outcome.taskId, outcome);
      }
    },
    async reconcile(state) {
      const open = openTasks(state);
      if (open.length === 0) return;
      try {
        const found = await readLedger(store, plan.sceneId, new Set(open.map(({ taskId }) => taskId)));
        push({ type: 'tasksEnded', outcomes: [...found.values()] });
        await queue.publishTasks(open.filter((task) => found.get(task.taskId)?.taskHash !== taskHash(task)), signal);
      } catch (error) {
        if (!signal.aborted) options.onWarning?.(`reconciling: ${messageOf(error)}; will try again`);
      }
    },
    results: () => ({ pointing, products, outcomes, warnings }),
    ownSeconds: () => seconds,
    async close() {
      await chain;
      for (const merge of merges.values()) await merge.abandon();
    },
  };
}

/** Neighbouring tasksEnded as one, so that a burst of events costs one step. */
function joined(events: readonly SceneEvent[]): SceneEvent[] {
  const out: SceneEvent[] = [];
  for (const event of events) {
    const last = out.at(-1);
    if (event.type === 'tasksEnded' && last?.type === 'tasksEnded') {
      out[out.length - 1] = { type: 'tasksEnded', outcomes: [...last.outcomes, ...event.outcomes] };
    } else out.push(event);
  }
  return out;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
