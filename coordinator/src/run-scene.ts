// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { AltiplanoError, InputError, ObjectMissingError, type ScenePlan, type SceneOrder, type TaskOutcome, planKey, scenePrefix } from '@altiplano/protocol';
import {
  type SceneCommand, type SceneEvent, type SceneState, advanceScene, doneTasks, initialState, isFinal, newOutcomes,
} from './advance-scene.js';
import { makeInbox } from './inbox.js';
import { openLane } from './lane.js';
import { mendOf, messageOf } from './message-of.js';
import { outlast } from './outlast.js';
import { type ComputeCommand, openSceneComputing } from './scene-computing.js';
import { readOrders } from './scene-orders.js';
import { type SceneResult, stageSeconds, tileCountsOf } from './scene-result.js';
import { openSceneTasks } from './scene-tasks.js';
import type { ScenePorts } from './scene-work.js';
import { replayedTasks, taskOrders } from './task-orders.js';

export interface RunOptions {
  /** Where the products go. */
  readonly outDir: string;
  /** Local folder for rasters in the making. */
  readonly workDir: string;
  /** The lease this runs under; what is written and replaced is named by it. Default: 0, on a machine of its own. */
  readonly epoch?: number;
  /** What was asked of the scene; default: what the store has. */
  readonly orders?: readonly SceneOrder[];
  /** Without progress for this long, and then after twice, four times, ... as long, what the ledger lacks is published again. */
  readonly reconcileMs?: number | undefined;
  /** The most tasks published and not ended; default: see advance-scene. */
  readonly ahead?: number;
  /** Tasks that died in an earlier run get another round. */
  readonly triesDeadAgain?: boolean;
  /** Keep what was merged in the store also where the scene is done; a partial one's is kept anyway. */
  readonly keepsMerge?: boolean;
  /** How long an outage of the store is waited out before the scene fails. Default: as long as it takes. */
  readonly patienceMs?: number;
  readonly onState?: (state: SceneState) => void;
  readonly onWarning?: (message: string) => void;
}

/**
 * Runs a scene to its end: feeds what happens to advanceScene and carries out its commands. The store is the
 * truth: outcomes in the ledger from an earlier run of the same plan are taken as they are, and whatever the bus
 * loses is read from the ledger or published again by the reconciler. Results that are missing from the store are made again.
 *
 * Throws InputError where the store has another plan under this scene id; the signal's reason on abort;
 * failures of a scene come back as a result with state 'failed'.
 */
export async function runScene(ports: ScenePorts, plan: ScenePlan, options: RunOptions, signal: AbortSignal): Promise<SceneResult> {
  await mkdir(options.workDir, { recursive: true });
  await keepPlan(ports, plan);
  for (let repeats = 0; repeats < mostRepeats; repeats += 1) {
    const result = await runOnce(ports, plan, options, signal);
    if (result !== 'again') return result;
    options.onWarning?.('results that were there before are missing from the store; making them again');
  }
  throw new AltiplanoError('results-lost', `scene ${plan.sceneId}: results went missing from ${ports.store.url} ${mostRepeats} times; does something else delete objects there?`);
}

const mostRepeats = 5;

/** The plan is written once; the same plan again means: go on where the last run ended. */
export async function keepPlan({ store }: Pick<ScenePorts, 'store'>, plan: ScenePlan): Promise<void> {
  const text = JSON.stringify(plan);
  if (await store.putIfAbsent(planKey(plan.sceneId), new TextEncoder().encode(text))) return;
  const kept = new TextDecoder().decode(await store.get(planKey(plan.sceneId)));
  if (kept === text || isDeepStrictEqual(jsonOf(kept), JSON.parse(text))) return;
  const by = /"software":"([^"]+)"/.exec(kept)?.[1] ?? 'an older program';
  const made = by === plan.software ? '' : ` (made by ${by}, and this is ${plan.software})`;
  throw new InputError(`scene ${plan.sceneId}: ${store.url} already has another plan under this id${made}; choose another --scene-id, or drop the old one (--fresh, altiplano clean)`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** 'again': something it needs was in the store, and is no more. */
async function runOnce(ports: ScenePorts, plan: ScenePlan, options: RunOptions, signal: AbortSignal): Promise<SceneResult | 'again'> {
  const given = options.orders ?? await readOrders(ports.store, plan.sceneId);
  const orders = taskOrders(given);
  const started = { ms: ports.now(), cpu: ports.cpuSeconds() };
  const [stop, lacking] = [new AbortController(), new AbortController()];
  const stopped = AbortSignal.any([signal, stop.signal]);
  const interrupted = AbortSignal.any([signal, lacking.signal]);
  const warnings: string[] = [...plan.warnings];
  const warn = (message: string): void => {
    warnings.push(message);
    options.onWarning?.(message);
  };
  const inbox = makeInbox<SceneEvent>();
  const tasks = openSceneTasks(ports, plan, { triesDeadAgain: options.triesDeadAgain === true, tell: inbox.push, signal: stopped });
  const computing = openSceneComputing(ports, plan, { ...options, epoch: options.epoch ?? 0, tell: inbox.push, warn });

  const carriedOut = async (command: SceneCommand, run: () => Promise<void>, state: () => SceneState): Promise<void> => {
    if (stopped.aborted || lacking.signal.aborted) return;
    const passing = (message: string): void => { options.onWarning?.(message); };
    try {
      await outlast(run, { what: command.type, mostMs: options.patienceMs ?? Infinity, warn: passing, signal: stopped });
    } catch (error) {
      if (stopped.aborted) return;
      if (error instanceof ObjectMissingError || (await isLacking(ports, state()).catch(() => false))) return lacking.abort();
      if (!stopped.aborted) inbox.push({ type: 'failed', message: `${command.type}: ${messageOf(error)}${mendOf(error)}` });
    }
  };
  const computes = openLane<{ readonly command: ComputeCommand; readonly state: () => SceneState }>(({ command, state: now }) =>
    carriedOut(command, () => computing.compute(command, now), now), computing.rest);
  const publishes = openLane<{ readonly run: () => Promise<void>; readonly command: SceneCommand }>(({ command, run }) => carriedOut(command, run, () => state));

  void follow(ports, plan, options, inbox.push, stopped);
  let state = initialState(plan, { ahead: options.ahead, orders });
  const reconcile = (): void => {
    tasks.reconcile(state).catch((error: unknown) => {
      if (!stopped.aborted) options.onWarning?.(`reconciling: ${messageOf(error)}; will try again`);
    });
  };
  const reconciler = reconcileWhenQuiet(reconcile, options.reconcileMs ?? 10_000);
  ports.queue.onReconnect(reconcile, stopped);
  try {
    inbox.push({ type: 'started' });
    while (!isFinal(state.phase)) {
      for (const event of joined((await inbox.next(interrupted)).map(tasks.withoutOldRounds))) {
        if (event.type === 'tasksEnded') computing.keep(newOutcomes(state, event.outcomes).map(({ outcome }) => outcome));
        const { state: next, commands } = advanceScene(state, event);
        if (next !== state) reconciler.progress();
        state = next;
        for (const command of commands) {
          const phase = state.tasks;
          if (command.type === 'publishTasks') publishes.push({ command, run: () => tasks.publish(command.tasks, phase) });
          else computes.push({ command, state: () => state });
        }
        options.onState?.(state);
      }
    }
    if (state.phase === 'partial' || (state.phase === 'done' && options.keepsMerge === true)) {
      // Without it the next run merges everything, which is no reason to fail this one.
      await computing.keepMerge(state, given.at(-1)?.number ?? 0).catch((error: unknown) => {
        signal.throwIfAborted();
        options.onWarning?.(`the merged raster is not kept: ${messageOf(error)}`);
      });
    }
    return {
      plan, state: isFinal(state.phase) ? state.phase : 'failed', failure: state.failure, tiles: tileCountsOf(state), deadTasks: state.deadTasks, ...computing.results(), warnings, replayed: replayedTasks(orders),
      stages: stageSeconds(computing.results().tally, computing.ownSeconds()), coordinatorSeconds: ports.cpuSeconds() - started.cpu,
      wallSeconds: (ports.now() - started.ms) / 1000,
    };
  } catch (error) {
    if (signal.aborted || !lacking.signal.aborted) throw error;
    return 'again';
  } finally {
    reconciler.end();
    stop.abort();
    await Promise.all([computes.idle(), publishes.idle()]);
    await computing.close();
  }
}

/** Calls `run` after 1, 2, 4, 8, ... intervals without progress: long tiles look like lost ones, and looking ever less often costs nothing that counts in either case. */
function reconcileWhenQuiet(run: () => void, intervalMs: number): { progress(): void; end(): void } {
  /** Intervals without progress; -1: there was some since the last one began. */
  let quiet = -1;
  const timer = setInterval(() => {
    quiet += 1;
    if (quiet > 0 && Number.isInteger(Math.log2(quiet))) run();
  }, intervalMs);
  return { progress() { quiet = -1; }, end() { clearInterval(timer); } };
}

/** Whether the store lacks a result of the phase's done tasks, or an image they are made from. */
async function isLacking({ store }: Pick<ScenePorts, 'store'>, state: SceneState): Promise<boolean> {
  const stored = new Set<string>();
  for await (const key of store.list(scenePrefix(state.plan.sceneId))) stored.add(key);
  const used = new Set(state.phase === 'ingest' ? [] : state.plan.pairs.flatMap(({ ref, sec }) => [ref, sec]));
  if (state.plan.images.some(({ index, key }) => used.has(index) && !stored.has(key))) return true;
  for (const { outKey } of doneTasks(state)) if (!stored.has(outKey)) return true;
  return false;
}

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

/** Neighbouring tasksEnded as one, so that a burst of events costs one step. */
function joined(events: readonly SceneEvent[]): SceneEvent[] {
  const out: SceneEvent[] = [];
  let burst: TaskOutcome[] | null = null;
  for (const event of events) {
    if (event.type !== 'tasksEnded') {
      burst = null;
      out.push(event);
    } else if (burst === null) {
      burst = [...event.outcomes];
      out.push({ type: 'tasksEnded', outcomes: burst });
    } else for (const outcome of event.outcomes) burst.push(outcome);
  }
  return out;
}
