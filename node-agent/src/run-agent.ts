// SPDX-License-Identifier: Apache-2.0
import { availableParallelism, hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { simdTarget } from '@altiplano/kernels/simd-target';
import type { AgentInfo, AltiplanoError, Task } from '@altiplano/protocol';
import { type ObjectStore, openNatsQueue, openWritableStore } from '@altiplano/protocol/io';
import type { AgentConfig } from './config.js';
import { type Log, logPlace } from './log.js';
import type { AgentMetrics } from './metrics.js';
import { type InHand, pullTasks } from './pull-tasks.js';
import { runIsolated } from './isolated-runs.js';
import { type RunOptions, recordUnwanted } from './run-delivery.js';
import { type TilePool, openTilePool } from './tile-pool.js';

export interface AgentOptions {
  readonly log: Log;
  readonly version: string;
  /** Aborts: pull no more, finish what is in hand. */
  readonly drain: AbortSignal;
  /** Aborts: hand back what is in hand. */
  readonly stop: AbortSignal;
  /** For tests: the module with the runners. */
  readonly runnersUrl?: string;
  /** What runs the tasks instead of worker threads; it gets the agent's store. */
  readonly openPool?: (store: ObjectStore) => TilePool;
}

export interface AgentEnd {
  /** It ended because a task took longer than it may. */
  readonly isHung: boolean;
  /** A thread is still in a native call of a task that was handed back: only the end of the process stops it. */
  readonly isStuck: boolean;
}

const announceMs = 10_000;
const closeMs = 1_000;

/** Opens store, bus and worker threads, pulls tasks until drained, and closes them again. Throws where one can't be opened. */
export async function runAgent(config: AgentConfig, options: AgentOptions): Promise<AgentEnd> {
  const { log, drain } = options;
  const ackWaitMs = config.ackWait * 1000;
  const problem = (error: AltiplanoError): void => { log('bus:problem', { error: error.message }); };
  const lost = new AbortController();
  const stop = AbortSignal.any([options.stop, lost.signal]);
  const store = await openWritableStore(config.store);
  const recording = { agent: config.id, store, now: () => new Date(), logPlace: logPlace(config.logFile) };
  const queue = await openNatsQueue({
    ...config.bus, role: 'agent', name: config.id, ackWaitMs, signal: drain, onProblem: problem,
    onLost: (error) => { lost.abort(error); },
    onUnwanted: (delivery) => recordUnwanted(recording, delivery),
  });
  let metrics: AgentMetrics | null = null;
  const inHand = new Set<InHand>();
  const about: Omit<AgentInfo, 'state' | 'inHand'> = {
    v: 1, host: hostname(), pid: process.pid, cores: availableParallelism(), simd: simdTarget(), version: options.version,
    slots: config.slots, kinds: [...config.kinds], startedAt: new Date().toISOString(), log: recording.logPlace,
  };
  const announce = async (): Promise<void> => {
    await queue.announceAgent(config.id, { ...about, state: drain.aborted || stop.aborted ? 'draining' : 'working', inHand: [...inHand].map((task) => ({ ...task, since: task.since.toISOString() })) });
  };
  let announcing: NodeJS.Timeout | null = null;
  const { runnersUrl } = options;
  const timeoutMs = config.taskTimeout * 1000;
  const pool = options.openPool?.(store) ?? openTilePool({ slots: config.slots, store, timeoutMs, runnersUrl });
  const end = { isHung: false, isStuck: false };
  let handedBack = 0;
  try {
    // Loaded where it is used: its client is a tenth of an agent's start. An agent that waits for a coordinator answers, too: it is alive.
    metrics = config.metricsPort === null ? null : await (await import('./metrics.js')).openMetrics(config.metricsPort, inHand);
    await Promise.all([queue.ensure(AbortSignal.any([drain, stop])), pool.ready()]);
    await announce().catch(problem);
    announcing = setInterval(() => { announce().catch(problem); }, announceMs);
    // The bus may be closed before it answers.
    drain.addEventListener('abort', () => { announce().catch(() => undefined); });
    log('agent:started', { bus: config.bus.servers, store: store.url, slots: config.slots, kinds: config.kinds, version: options.version });
    const ports = {
      ...recording, queue, log,
      runTask: (task: Task, run: RunOptions) => (run.isolated ? runIsolated({ store, timeoutMs, runnersUrl }, task, run) : pool.run(task, run)),
      ...(metrics && { onOutcome: metrics.countOutcome }),
    };
    const ends = await pullTasks(ports, {
      slots: config.slots, kinds: config.kinds, heartbeatMs: ackWaitMs / 3, drain, stop, graceMs: config.grace * 1000, inHand,
    });
    lost.signal.throwIfAborted();
    end.isHung = ends.hung > 0;
    if (end.isHung) {
      log('agent:hung', { error: `a task took longer than ${config.taskTimeout} s (--task-timeout) and can't be interrupted: this agent ends, to be started again` });
    }
    handedBack = ends.returned + ends.hung;
    log('agent:drained', { settled: ends.settled, handedBack });
  } finally {
    if (announcing !== null) clearInterval(announcing);
    metrics?.close();
    await queue.close();
    // Closing waits for what its threads are in, which is of use to nobody where it was handed back.
    const closing = pool.close();
    if (handedBack === 0) await closing;
    else end.isStuck = await Promise.race([closing.then(() => false), delay(closeMs, true)]);
    await store.close();
  }
  return end;
}
