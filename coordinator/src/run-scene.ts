// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AltiplanoError, InputError, type ScenePlan, type Task, type TaskOutcome, type TaskRound, coarseDsmKey, parseAlignMatches, planKey, pointingKey, taskHash,
} from '@altiplano/protocol';
import { endedRounds, mapConcurrently, readOutcome } from '@altiplano/protocol/io';
import {
  type SceneCommand, type SceneEvent, type SceneState, advanceScene, initialState, isFinal, levelOf, newOutcomes, openTasks, partialsOf, tileEnd,
} from './advance-scene.js';
import { boxOfGrid, withHalo } from './ground-tiles.js';
import { makeInbox } from './inbox.js';
import { openLane } from './lane.js';
import { pairOf } from './make-tasks.js';
import type { Merge, MergedDsm } from './merge-dsm.js';
import { type OutcomeTally, openTally } from './outcome-tally.js';
import { type SceneResult, stageSeconds, tileCountsOf } from './scene-result.js';
import { addOrder, readOrders } from './scene-orders.js';
import type { ScenePorts } from './scene-work.js';
import type { Pointing } from './solve-pointing.js';
import { taskOrders } from './task-orders.js';
import { openTileIndex, tileCount, tilesOf } from './tile-index.js';

export interface RunOptions {
  /** Where the products go. */
  readonly outDir: string;
  /** Local folder for rasters in the making. */
  readonly workDir: string;
  /** Without progress for this long, and then after twice, four times, ... as long, what the ledger lacks is published again. */
  readonly reconcileMs?: number;
  /** The most tasks published and not ended; default: see advance-scene. */
  readonly ahead?: number;
  /** Tasks that died in an earlier run get another round. */
  readonly triesDeadAgain?: boolean;
  readonly onState?: (state: SceneState) => void;
  readonly onWarning?: (message: string) => void;
}

/**
 * Runs a scene to its end: feeds what happens to advanceScene and carries out its commands. The store is the
 * truth: outcomes in the ledger from an earlier run of the same plan are taken as they are, and whatever the bus
 * loses is read from the ledger or published again by the reconciler.
 *
 * Throws InputError where the store has another plan under this scene id; the signal's reason on abort;
 * failures of a scene come back as a result with state 'failed'.
 */
export async function runScene(ports: ScenePorts, plan: ScenePlan, options: RunOptions, signal: AbortSignal): Promise<SceneResult> {
  await mkdir(options.workDir, { recursive: true });
  await keepPlan(ports, plan);
  const orders = taskOrders(await readOrders(ports.store, plan.sceneId));
  const started = { ms: ports.now(), cpu: ports.cpuSeconds() };
  const stop = new AbortController();
  const stopped = AbortSignal.any([signal, stop.signal]);
  const inbox = makeInbox<SceneEvent>();
  const shell = openShell(ports, plan, options, inbox.push, stopped);

  void follow(ports, plan, options, inbox.push, stopped);
  let state = initialState(plan, { ahead: options.ahead, orders });
  /** Intervals without progress; -1: there was some since the last one began. */
  let quiet = -1;
  const reconciler = setInterval(() => {
    quiet += 1;
    if (quiet === 0) return;
    // Long tiles look like lost ones: looking for them ever less often costs nothing that counts in either case.
    if (Number.isInteger(Math.log2(quiet))) void shell.reconcile(state);
  }, options.reconcileMs ?? 10_000);
  try {
    inbox.push({ type: 'started' });
    while (!isFinal(state.phase)) {
      for (const event of joined((await inbox.next(signal)).map(shell.withoutOldRounds))) {
        if (event.type === 'tasksEnded') shell.keep(newOutcomes(state, event.outcomes).map(({ outcome }) => outcome));
        const { state: next, commands } = advanceScene(state, event);
        if (next !== state) quiet = -1;
        state = next;
        for (const command of commands) shell.carryOut(command, () => state);
        options.onState?.(state);
      }
    }
    const { pointing, products, tally, warnings } = shell.results();
    return {
      plan, state: isFinal(state.phase) ? state.phase : 'failed', failure: state.failure, tiles: tileCountsOf(state), tally,
      pointing, products, warnings,
      stages: stageSeconds(tally, shell.ownSeconds()), coordinatorSeconds: ports.cpuSeconds() - started.cpu,
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

/** Entries of the ledger read at once. */
const ledgerReads = 32;

/** Passes ended tasks on from the bus; the reconciler makes up for what is missed, so an outage only slows. */
async function follow(ports: ScenePorts, plan: ScenePlan, options: RunOptions, push: (event: SceneEvent) => void, signal: AbortSignal): Promise<void> {
  try {
    for await (const event of ports.queue.events(plan.sceneId, signal, 'ends')) {
      // Said at once: the next attempt may come minutes later, and a silent run looks hung.
      if (event.type === 'retrying') options.onWarning?.(`${event.taskId}: attempt ${event.attempt} failed, it will be tried again: ${event.error}`);
      if (event.type === 'ended') push({ type: 'tasksEnded', outcomes: [event.outcome] });
    }
  } catch (error) {
    if (!signal.aborted) options.onWarning?.(`events: ${messageOf(error)}; following the ledger instead`);
  }
}

type PublishCommand = Extract<SceneCommand, { type: 'publishTasks' }>;
type ComputeCommand = Exclude<SceneCommand, PublishCommand>;

/** The stage that a command's computing counts for. */
const stageOf = { solvePointing: 'pointing', mergeTile: 'merge', mergeLevel: 'merge', rangeTiles: 'range', publishProducts: 'publish' } as const;

interface Shell {
  /** An event without outcomes of rounds that others took the place of. */
  withoutOldRounds(event: SceneEvent): SceneEvent;
  carryOut(command: SceneCommand, state: () => SceneState): void;
  /** Counts outcomes for the reports; each task's once. */
  keep(outcomes: readonly TaskOutcome[]): void;
  reconcile(state: SceneState): Promise<void>;
  results(): { pointing: readonly Pointing[]; products: Record<string, string>; tally: OutcomeTally; warnings: readonly string[] };
  /** CPU seconds spent here, by stage. */
  ownSeconds(): Record<string, number>;
  close(): Promise<void>;
}

/**
 * Carries out commands: what computes one after the other, as merging is single-threaded and its order the state machine's;
 * tasks are published beside it.
 */
function openShell(ports: ScenePorts, plan: ScenePlan, options: RunOptions, push: (event: SceneEvent) => void, signal: AbortSignal): Shell {
  const { store, queue, work } = ports;
  const outcomes = openTally();
  const merges = new Map<number, Merge>();
  const merged = new Map<number, MergedDsm>();
  const seconds: Record<string, number> = {};
  const warnings: string[] = [...plan.warnings];
  let pointing: readonly Pointing[] = [];
  let products: Record<string, string> = {};
  let inLedger: { readonly of: SceneState['tasks']; readonly lastRounds: Promise<Int32Array> } | null = null;
  /** Rounds this run asked for, of tasks whose last one doesn't count any more. */
  const askedAgain = new Map<string, number>();
  const roundOf = (task: Task): TaskRound =>
    ({ taskId: task.taskId, taskHash: taskHash(task), round: Math.max(task.round, askedAgain.get(task.taskId) ?? 0) });

  const warn = (message: string): void => {
    warnings.push(message);
    options.onWarning?.(message);
  };
  let clock: { readonly stage: string; readonly since: number } | null = null;
  /** What is computed from here on counts for a stage; null: nothing is. The clock is read where the stage changes: asking the system may take as long as a step. */
  const enter = (stage: string | null): void => {
    if (clock?.stage === stage) return;
    const now = ports.cpuSeconds();
    if (clock !== null) seconds[clock.stage] = (seconds[clock.stage] ?? 0) + now - clock.since;
    clock = stage === null ? null : { stage, since: now };
  };

  async function publishTasks(tasks: readonly Task[], phase: SceneState['tasks']): Promise<void> {
    // One listing per phase: on a new scene it is all the ledger costs.
    if (inLedger?.of !== phase) inLedger = { of: phase, lastRounds: lastRoundsOf(phase) };
    const lastRounds = await inLedger.lastRounds;
    const ended: TaskOutcome[] = [];
    const again: string[] = [];
    await mapConcurrently(tasks, ledgerReads, async (task) => {
      const round = lastRounds[phase.numberOf(task.taskId)] ?? -1;
      if (round < task.round) return;
      const outcome = await readOutcome(store, plan.sceneId, { ...roundOf(task), round });
      if (outcome === null) return;
      if (await stillCounts(outcome)) ended.push(outcome);
      else again.push(task.taskId);
    });
    if (again.length > 0) {
      const { number } = await addOrder(store, { type: 'replay', sceneId: plan.sceneId, at: new Date().toISOString(), by: 'coordinator', taskIds: again, set: {} });
      for (const taskId of again) askedAgain.set(taskId, number);
    }
    if (ended.length > 0) push({ type: 'tasksEnded', outcomes: ended });
    const hasEnded = new Set(ended.map(({ taskId }) => taskId));
    await queue.publishTasks(inRounds(tasks.filter(({ taskId }) => !hasEnded.has(taskId))), signal);
  }

  const inRounds = (tasks: readonly Task[]): Task[] => tasks.map((task) => {
    const round = askedAgain.get(task.taskId);
    return round === undefined ? task : { ...task, round };
  });

  /** The last round that each task of a phase ended in; -1: none. */
  async function lastRoundsOf(phase: SceneState['tasks']): Promise<Int32Array> {
    const rounds = new Int32Array(phase.count).fill(-1);
    for await (const { taskId, round } of endedRounds(store, plan.sceneId)) {
      const number = phase.numberOf(taskId);
      if (number >= 0) rounds[number] = Math.max(rounds[number] ?? -1, round);
    }
    return rounds;
  }

  /** Whether an earlier run's outcome isn't worth another round: its result is still there, or it is to stay dead. */
  async function stillCounts({ state, outKey }: TaskOutcome): Promise<boolean> {
    if (state === 'dead') return options.triesDeadAgain !== true;
    return state === 'empty' || (outKey !== undefined && store.has(outKey));
  }

  async function solvePointing(matchKeys: ReadonlyMap<string, readonly string[]>): Promise<void> {
    const solved: Pointing[] = [];
    for (const [pairId, keys] of matchKeys) {
      const matches: [number, number, number, number, number][] = [];
      for (const key of keys) for (const match of parseAlignMatches(key, await store.get(key)).matches) matches.push(match);
      const solution = work.solvePointing(plan, pairOf(plan, pairId), matches);
      if (solution.model === 'none') warn(`pair ${pairId}: pointing not solved (${solution.reason ?? 'no matches'}); using the RPCs as they are`);
      solved.push(solution);
      await store.put(pointingKey(plan.sceneId, pairId), new TextEncoder().encode(JSON.stringify(solution)));
    }
    pointing = solved;
    push({ type: 'pointingSolved', corrections: new Map(solved.map(({ pairId, correction }) => [pairId, correction])) });
  }

  function mergeOf(state: () => SceneState): Merge {
    const level = levelOf(state());
    const known = merges.get(level.factor);
    if (known) return known;
    const tiles = openTileIndex(level);
    const merge = work.openMerge({
      store, plan, level, path: join(options.workDir, `${plan.sceneId}-merged-${level.factor}.tif`),
      partials: (id) => partialsOf(state(), tiles.tileAt(tiles.numberOf(id))),
      isDead: (id) => tileEnd(state(), tiles.tileAt(tiles.numberOf(id))) === 'dead',
    });
    merges.set(level.factor, merge);
    return merge;
  }

  async function mergeLevel(state: () => SceneState): Promise<void> {
    const level = levelOf(state());
    const result = await mergeOf(state).finish();
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
      push({ type: 'tilesRanged', factor, ranges: null, priorKey: null });
      return;
    }
    const prior = await work.makePrior({ merged: above, plan, factor: from, store });
    const scene = [above.minHeight, Math.max(above.maxHeight, above.minHeight + 1)] as const;
    const ranges = new Float64Array(2 * tileCount(level));
    let tile = 0;
    for (const { core } of tilesOf(level)) ranges.set(prior.tileHeightRange(boxOfGrid(withHalo(core, level.haloCells))) ?? scene, 2 * tile++);
    push({ type: 'tilesRanged', factor, ranges, priorKey: prior.key });
  }

  async function publishProducts(state: SceneState): Promise<void> {
    const full = merged.get(1);
    if (!full) throw new AltiplanoError('plan', `scene ${plan.sceneId}: nothing merged at full resolution`);
    const tally = outcomes.tally();
    products = await work.publishProducts({
      store, plan, merged: full, tiles: tileCountsOf(state), tally, pointing, outDir: options.outDir, timings: stageSeconds(tally, seconds),
    });
    push({ type: 'published' });
  }

  async function compute(command: ComputeCommand, state: () => SceneState): Promise<void> {
    enter(stageOf[command.type]);
    switch (command.type) {
      case 'solvePointing': return solvePointing(command.matches);
      case 'mergeTile':
        await mergeOf(state).mergeTile(command.tileId);
        return push({ type: 'tileMerged', factor: command.factor, tileId: command.tileId });
      case 'mergeLevel': return mergeLevel(state);
      case 'rangeTiles': return rangeTiles(command.factor, command.from);
      case 'publishProducts': return publishProducts(state());
    }
  }

  const carriedOut = async (command: SceneCommand, run: () => Promise<void>): Promise<void> => {
    if (signal.aborted) return;
    try {
      await run();
    } catch (error) {
      if (!signal.aborted) push({ type: 'failed', message: `${command.type}: ${messageOf(error)}` });
    }
  };
  const computing = openLane<{ readonly command: ComputeCommand; readonly state: () => SceneState }>(({ command, state }) =>
    carriedOut(command, () => compute(command, state)), () => { enter(null); });
  const publishing = openLane<{ readonly command: PublishCommand; readonly phase: SceneState['tasks'] }>(({ command, phase }) =>
    carriedOut(command, () => publishTasks(command.tasks, phase)));

  return {
    withoutOldRounds: (event) => (event.type !== 'tasksEnded' || askedAgain.size === 0 ? event
      : { ...event, outcomes: event.outcomes.filter(({ taskId, round }) => round >= (askedAgain.get(taskId) ?? 0)) }),
    carryOut(command, state) {
      if (command.type === 'publishTasks') publishing.push({ command, phase: state().tasks });
      else computing.push({ command, state });
    },
    keep(news) { for (const outcome of news) outcomes.add(outcome); },
    async reconcile(state) {
      try {
        const isOpen = new Map([...openTasks(state)].map((task) => [task.taskId, task]));
        if (isOpen.size === 0) return;
        const found = new Map<string, TaskOutcome>();
        const ended: TaskRound[] = [];
        for await (const entry of endedRounds(store, plan.sceneId)) {
          const task = isOpen.get(entry.taskId);
          const open = task === undefined ? null : roundOf(task);
          if (open !== null && entry.taskHash === open.taskHash && entry.round >= open.round) ended.push(entry);
        }
        await mapConcurrently(ended, ledgerReads, async (entry) => {
          const outcome = await readOutcome(store, plan.sceneId, entry);
          if (outcome) found.set(entry.taskId, outcome);
        });
        if (found.size > 0) push({ type: 'tasksEnded', outcomes: [...found.values()] });
        await queue.publishTasks(inRounds([...isOpen.values()].filter(({ taskId }) => !found.has(taskId))), signal);
      } catch (error) {
        if (!signal.aborted) options.onWarning?.(`reconciling: ${messageOf(error)}; will try again`);
      }
    },
    results: () => ({ pointing, products, tally: outcomes.tally(), warnings }),
    ownSeconds() {
      enter(null);
      return seconds;
    },
    async close() {
      await Promise.all([computing.idle(), publishing.idle()]);
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
