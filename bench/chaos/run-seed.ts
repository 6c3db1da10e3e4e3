// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { activePrefix } from '@altiplano/protocol';
import { type ObjectStore, deadOutcomes, openStore, timeLimit } from '@altiplano/protocol/io';
import { type S3Server, unfinishedUploads } from '@altiplano/protocol/testing';
import { type Cluster, leaderOf, startCluster } from './cluster.js';
import { inject } from './inject.js';
import { watchLedger } from './ledger-watch.js';
import { isBound, markedProcesses } from './leftovers.js';
import { type Traces, judgeCleaned, judgeLedger, judgeProducts, judgeStore, keysBelow, lastStatus, tracesOf } from './oracle.js';
import { cleanCommand, replayDeadCommand, submitCommand } from './programs.js';
import { runProgram } from './run-program.js';
import type { FaultKind, Schedule } from './schedule.js';
import { endedAtStart } from './supervise.js';
import type { World } from './world.js';

export interface Run {
  readonly schedule: Schedule;
  /** The faults that were really injected. */
  readonly injected: readonly FaultKind[];
  readonly seconds: number;
  /** What is not as it would be undisturbed; none: the run is good. */
  readonly deviations: readonly string[];
  /** Programs that ended in the middle of the run and were started again, and how: 'agent-1 SIGKILL'. */
  readonly ends: readonly string[];
  readonly traces: Traces;
}

export interface Surroundings {
  readonly world: World;
  /** The run's folder: logs, bus, and the store where it is a folder. */
  readonly folder: string;
  /** Where s3:// runs go: a bucket of the server, and the images in it. */
  readonly s3: { readonly server: S3Server; readonly bucketUrl: string; readonly images: readonly string[] } | null;
}

/** A scene that isn't through by then is stuck. */
const limitMs = 180_000;
/** Time for a program that was paused, and wakes up when all is over, to do harm if it can. */
const settleMs = 400;

/** One scene on real processes, with the faults of a schedule, and what the oracle says to it. */
export async function runSeed(schedule: Schedule, { world, folder, s3 }: Surroundings, signal: AbortSignal): Promise<Run> {
  const begun = performance.now();
  const marker = `${process.pid}-${schedule.seed}`;
  const server = schedule.store === 's3' ? s3 : null;
  await mkdir(folder, { recursive: true });
  const storeUrl = server === null ? join(folder, 'store') : `${server.bucketUrl}/seed-${marker}`;
  const store = await openStore(storeUrl);
  const poison = poisonOf(schedule, world);
  const cluster = await startCluster({
    folder, marker, schedule, storeUrl, s3: server?.server ?? null, agentEnv: poison === null ? {} : { ALTIPLANO_TEST_CRASH: poison },
  });
  const images = server === null ? world.images : server.images;
  const scene: Scene = { schedule, world, images, store, cluster, logs: join(folder, 'logs'), injected: [], deviations: [] };
  const { injected, deviations } = scene;
  const patience = timeLimit(limitMs);
  const limit = AbortSignal.any([signal, patience.signal]);
  let traces: Traces = { attempts: {}, takeovers: 0 };
  try {
    if (poison === null) await runDisturbed(scene, limit);
    else await runPoisoned(scene, poison, limit);
    await delay(settleMs);
    for (const [name, end] of await cluster.stopPrograms()) {
      if (end !== 'exit code 0' && end !== endedAtStart) deviations.push(`${name} was asked to end and did by ${end}`);
    }
    traces = await tracesOf(store, world.sceneId);
    await judgeEnd(scene, poison === null ? [] : [poison]);
    if (deviations.length === 0) await judgeCleaning(scene, server, limit);
  } catch (error) {
    signal.throwIfAborted();
    const told = error instanceof Error ? error.stack ?? error.message : String(error);
    deviations.push(limit.aborted ? `the scene is not through after ${limitMs / 1000} s` : `the run failed: ${told}`);
  } finally {
    patience.clear();
    await cluster.stopPrograms();
    await cluster.close();
  }
  for (const { pid, command } of markedProcesses(marker)) deviations.push(`process ${pid} is left over: ${command}`);
  for (const port of cluster.ports) if (await isBound(port)) deviations.push(`somebody still listens at port ${port}`);
  if (server !== null && deviations.length === 0) for (const key of await keysBelow(store, '')) await store.delete(key);
  await store.close();
  const ends = [...cluster.coordinators, ...cluster.agents].flatMap((program) => program.ends.map((end) => `${program.name} ${end}`));
  return { schedule, injected, seconds: (performance.now() - begun) / 1000, deviations, ends, traces };
}

/** A run under way. */
interface Scene {
  readonly schedule: Schedule;
  readonly world: World;
  readonly images: readonly string[];
  /** Our own way to the store, around the faults. */
  readonly store: ObjectStore;
  readonly cluster: Cluster;
  readonly logs: string;
  readonly injected: FaultKind[];
  readonly deviations: string[];
}

/** Submits the scene and breaks things as it goes, until it is complete and all faults are over. */
async function runDisturbed({ schedule, world, images, store, cluster, logs, injected, deviations }: Scene, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  const watch = watchLedger(store, world.sceneId);
  const faults = Promise.all(schedule.faults.map(async (fault) => {
    if (!(await watch.reached(Math.floor(fault.progress * (world.wanted.tasks.size + 1))))) return;
    await delay(fault.delayMs, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) return;
    if (await inject(cluster, fault, () => leaderOf(store, cluster.coordinators), stop)) injected.push(fault.kind);
  }));
  // What goes wrong in one of them is thrown below.
  faults.catch(() => undefined);
  try {
    const code = await runProgram(submitCommand(images, world.flags, cluster.place), cluster.env, join(logs, 'submit.log'), signal);
    if (code !== 0) deviations.push(`submit --wait ended with exit code ${String(code)}`);
    await carriedOut(store, world.sceneId, signal);
  } finally {
    over.abort();
    await watch.stop();
    await faults;
  }
}

/** The task whose kernel crashes in a poisoned run: one at full resolution. */
function poisonOf({ faults }: Schedule, { wanted }: World): string | null {
  const [fault] = faults.filter(({ kind }) => kind === 'poison');
  const tiles = [...wanted.tasks.keys()].filter((taskId) => taskId.startsWith('stereo-')).sort();
  return fault === undefined ? null : tiles[fault.seed % tiles.length] ?? null;
}

/** The scene ends as partial, with that one tile dead as crashed; then the kernel is well again, and a replay completes the scene. */
async function runPoisoned({ world, images, store, cluster, logs, injected, deviations }: Scene, poison: string, signal: AbortSignal): Promise<void> {
  const { sceneId, wanted } = world;
  injected.push('poison');
  const code = await runProgram(submitCommand(images, world.flags, cluster.place), cluster.env, join(logs, 'submit.log'), signal);
  if (code !== 3) deviations.push(`submit --wait ended with exit code ${String(code)}, not 3 for a partial scene`);
  await carriedOut(store, sceneId, signal);
  const tasks = new Map([...wanted.tasks, [poison, 'dead']]);
  deviations.push(...await judgeLedger(store, sceneId, { wanted: { ...wanted, tasks }, replayed: [], kinds: new Set(injected) }));
  for await (const { taskId, error, attempts } of deadOutcomes(store, sceneId)) {
    if (error?.class === 'crash' && error.signal === 'SIGSEGV') continue;
    deviations.push(`${taskId} is dead as ${error?.class ?? 'nothing'} by ${error?.signal ?? 'no signal'} after ${attempts} attempts`);
  }
  for (const agent of cluster.agents) {
    if (agent.pid() === null) deviations.push(`${agent.name} is down`);
    agent.setEnv(cluster.env);
    agent.signal('SIGTERM');
  }
  const replayed = await runProgram(replayDeadCommand(sceneId, cluster.place), cluster.env, join(logs, 'replay.log'), signal);
  if (replayed !== 0) deviations.push(`replay --dead --wait ended with exit code ${String(replayed)}`);
  await carriedOut(store, sceneId, signal);
}

/** What the scene came to. */
async function judgeEnd({ world: { sceneId, wanted }, store, injected, deviations }: Scene, replayed: readonly string[]): Promise<void> {
  const status = await lastStatus(store, sceneId);
  if (status?.phase !== 'done') {
    deviations.push(`the scene ended as ${status?.phase ?? 'nothing'}${status?.failure ? `: ${status.failure}` : ''}`);
    return;
  }
  deviations.push(
    ...await judgeProducts(store, status, wanted), ...await judgeLedger(store, sceneId, { wanted, replayed, kinds: new Set(injected) }),
    ...await judgeStore(store, sceneId, status));
}

/** What `altiplano clean` leaves; the runs' prefix goes with it. */
async function judgeCleaning({ world, store, cluster, logs, deviations }: Scene, s3: Surroundings['s3'], signal: AbortSignal): Promise<void> {
  const code = await runProgram(cleanCommand(world.sceneId, cluster.place), cluster.env, join(logs, 'clean.log'), signal);
  if (code !== 0) deviations.push(`clean ended with exit code ${String(code)}`);
  deviations.push(...await judgeCleaned(store));
  if (s3 === null) return;
  const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(store.url) ?? [];
  for (const key of await unfinishedUploads(s3.server, bucket, prefix)) deviations.push(`${key} is an upload that nobody finished`);
}

/** Waits until all orders of a scene are carried out: their markers go last. */
async function carriedOut(store: ObjectStore, sceneId: string, signal: AbortSignal): Promise<void> {
  while ((await keysBelow(store, `${activePrefix}${sceneId}.`)).length > 0) await delay(200, undefined, { signal });
}
