// SPDX-License-Identifier: Apache-2.0
import {
  type SceneStatus, type TaskOutcome, activePrefix, attemptsPrefix, catalogKey, deadPrefix, epochOfKey, leasesPrefix, ledgerPrefix, ordersPrefix, parseRoundKey,
  parseStored, planKey, scenePlanSchema, scenePrefix, sceneStatusSchema, statusKey, statusPrefix, taskAttemptSchema, taskOutcomeSchema,
} from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import type { FaultKind } from './schedule.js';
import { type Wanted, plannedTasks, sha256 } from './world.js';

type Reads = Pick<ObjectStore, 'get' | 'list'>;

/** The status with the highest epoch, which is the one that counts; null where there is none yet. */
export async function lastStatus(store: Reads, sceneId: string): Promise<SceneStatus | null> {
  const keys = (await keysBelow(store, statusPrefix(sceneId))).sort((a, b) => epochOfKey(a) - epochOfKey(b));
  const key = keys.at(-1);
  return key === undefined ? null : parseStored(key, sceneStatusSchema, await store.get(key));
}

export async function keysBelow(store: Pick<Reads, 'list'>, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.list(prefix)) keys.push(key);
  return keys;
}

/** The products against those of the undisturbed run: every raster, byte for byte. */
export async function judgeProducts(store: Reads, status: SceneStatus, wanted: Wanted): Promise<string[]> {
  const found = new Map(Object.values(status.products).filter((key) => key.endsWith('.tif')).map((key) => [key.slice(key.lastIndexOf('/') + 1), key]));
  const [missing, other]: [string[], string[]] = [[], []];
  for (const [name, hash] of wanted.rasters) {
    const key = found.get(name);
    if (key === undefined) missing.push(name);
    else if (sha256(await store.get(key)) !== hash) other.push(name);
  }
  const more = [...found.keys()].filter((name) => !wanted.rasters.has(name));
  const told: readonly (readonly [string, readonly string[]])[] = [['are missing', missing], ['have other bytes', other], ['are too many', more]];
  return told.filter(([, names]) => names.length > 0).map(([what, names]) => `products ${what}: ${names.join(', ')}`);
}

export interface LedgerExpectation {
  readonly wanted: Wanted;
  /** Tasks that were asked for again, and so may have a round more. */
  readonly replayed: readonly string[];
  /** What was injected in the run. */
  readonly kinds: ReadonlySet<FaultKind>;
}

/**
 * The ledger against the plan: each planned task has ended exactly once, as in the undisturbed run, and no other task has. What the attempts say
 * must be possible in this run.
 */
export async function judgeLedger(store: Reads, sceneId: string, { wanted, replayed, kinds }: LedgerExpectation): Promise<string[]> {
  const plan = parseStored(planKey(sceneId), scenePlanSchema, await store.get(planKey(sceneId)));
  const planned = new Set(plannedTasks(plan));
  const ended = new Map<string, TaskOutcome[]>();
  const deviations: string[] = [];
  for (const key of await keysBelow(store, ledgerPrefix(sceneId))) {
    const round = parseRoundKey(ledgerPrefix(sceneId), key);
    if (round === null) deviations.push(`${key} is no entry of a ledger`);
    else {
      const outcome = parseStored(key, taskOutcomeSchema, await store.get(key));
      ended.set(outcome.taskId, [...ended.get(outcome.taskId) ?? [], outcome]);
    }
  }
  for (const taskId of planned) {
    const outcomes = (ended.get(taskId) ?? []).sort((a, b) => a.round - b.round);
    const allowed = replayed.includes(taskId) ? 2 : 1;
    if (outcomes.length === 0) deviations.push(`${taskId} is planned and not accounted for`);
    if (outcomes.length > allowed) {
      deviations.push(`${taskId} is accounted for ${outcomes.length} times: ${outcomes.map(({ taskHash, round, state }) => `${taskHash}.${round} ${state}`).join(', ')}`);
    }
    const state = outcomes.at(-1)?.state, before = wanted.tasks.get(taskId);
    if (state !== undefined && state !== before) {
      deviations.push(`${taskId} ended as ${state}, undisturbed as ${before ?? 'nothing'}: ${outcomes.at(-1)?.error?.message ?? outcomes.at(-1)?.reason ?? ''}`);
    }
  }
  for (const taskId of ended.keys()) if (!planned.has(taskId)) deviations.push(`${taskId} is accounted for and not planned`);
  return [...deviations, ...await judgeAttempts(store, sceneId, planned, kinds)];
}

/** What the faults cost, as the store tells it. */
export interface Traces {
  /** Attempts that ended no task, by class. */
  readonly attempts: Readonly<Record<string, number>>;
  /** How often another coordinator had taken over by the time the scene was complete. */
  readonly takeovers: number;
}

export async function tracesOf(store: Reads, sceneId: string): Promise<Traces> {
  const attempts: Record<string, number> = {};
  for (const key of await keysBelow(store, attemptsPrefix(sceneId))) {
    const { class: name } = parseStored(key, taskAttemptSchema, await store.get(key));
    attempts[name] = (attempts[name] ?? 0) + 1;
  }
  return { attempts, takeovers: Math.max(0, ((await lastStatus(store, sceneId))?.epoch ?? 1) - 1) };
}

/** Attempts of these classes need a cause; of the others (transient, vanished, unknown) any fault may be one. */
const causes: Readonly<Record<string, readonly FaultKind[]>> = {
  drain: ['agent-drain'], crash: ['poison', 'agent-kill'], timeout: ['agent-pause', 'poison'], permanent: [], memory: [],
};

async function judgeAttempts(store: Reads, sceneId: string, planned: ReadonlySet<string>, kinds: ReadonlySet<FaultKind>): Promise<string[]> {
  const deviations: string[] = [];
  for (const key of await keysBelow(store, attemptsPrefix(sceneId))) {
    const attempt = parseStored(key, taskAttemptSchema, await store.get(key));
    // A task that came too late to an agent needs no more than a slow machine.
    const possible = attempt.code === 'unwanted' ? undefined : causes[attempt.class];
    if (!planned.has(attempt.taskId)) deviations.push(`an attempt at ${attempt.taskId}, which isn't planned`);
    if (possible !== undefined && !possible.some((kind) => kinds.has(kind))) {
      deviations.push(`${attempt.taskId}: an attempt ended by ${attempt.class} (${attempt.message}), and nothing was done that could have caused it`);
    }
  }
  return deviations;
}

/** What is left of a scene that was cleaned away: nothing. */
export const judgeCleaned = async (store: Pick<Reads, 'list'>): Promise<string[]> =>
  (await keysBelow(store, '')).filter((key) => !isOfCoordinators(key)).map((key) => `${key} is an orphan after altiplano clean`);

const isOfCoordinators = (key: string): boolean => key.startsWith(leasesPrefix) || key.startsWith('coordinator/beats/');

/** What stays in the store when a scene is complete, as docs/architecture.md says: no intermediates, no order that is still to be carried out. */
export async function judgeStore(store: Reads, sceneId: string, status: SceneStatus): Promise<string[]> {
  const scene = scenePrefix(sceneId);
  const products = new Set(Object.values(status.products));
  const stays = (key: string): boolean => key === planKey(sceneId) || key === catalogKey(sceneId) || products.has(key)
    || key === statusKey(sceneId, status.epoch) || [ledgerPrefix, attemptsPrefix, deadPrefix, ordersPrefix].some((prefix) => key.startsWith(prefix(sceneId)))
    || key.startsWith(`${scene}align/`) || isOfCoordinators(key);
  const keys = await keysBelow(store, '');
  return keys.filter((key) => !stays(key)).map((key) => (key.startsWith(activePrefix) ? `${key}: the scene is complete and still marked as active` : `${key} is an orphan`));
}
