// SPDX-License-Identifier: Apache-2.0
import { availableParallelism, hostname } from 'node:os';
import { simdTarget } from '@altiplano/kernels';
import type { AgentInfo, AltiplanoError } from '@altiplano/protocol';
import { type ObjectStore, openNatsQueue, openStore } from '@altiplano/protocol/io';
import type { AgentConfig } from './config.js';
import { type Log, logPlace } from './log.js';
import type { AgentMetrics } from './metrics.js';
import { pullTasks } from './pull-tasks.js';
import { type TilePool, openTilePool } from './tile-pool.js';

export interface AgentOptions {
  readonly log: Log;
  readonly version: string;
  /** Aborts: pull no more, finish what is in hand. */
  readonly drain: AbortSignal;
  /** Aborts: hand back what is in hand. */
  readonly stop: AbortSignal;
  /** For tests: the module with the runners, and the queue's ack wait. */
  readonly runnersUrl?: string;
  /** What runs the tasks instead of worker threads; it gets the agent's store. */
  readonly openPool?: (store: ObjectStore) => TilePool;
  readonly ackWaitMs?: number;
}

const announceMs = 10_000;

/** Opens store, bus and worker threads, pulls tasks until drained, and closes them again. Throws where one can't be opened. */
export async function runAgent(config: AgentConfig, options: AgentOptions): Promise<void> {
  const { log, drain } = options;
  const ackWaitMs = options.ackWaitMs ?? 15_000;
  const problem = (error: AltiplanoError): void => { log('bus:problem', { error: error.message }); };
  const lost = new AbortController();
  const stop = AbortSignal.any([options.stop, lost.signal]);
  const store = await openStore(config.store);
  const queue = await openNatsQueue({
    ...config.bus, role: 'agent', name: config.id, ackWaitMs, signal: drain, onProblem: problem,
    onLost: (error) => { lost.abort(error); },
  });
  let metrics: AgentMetrics | null = null;
  let inHand: AgentInfo['inHand'] = [];
  const about: Omit<AgentInfo, 'state' | 'inHand'> = {
    v: 1, host: hostname(), pid: process.pid, cores: availableParallelism(), simd: simdTarget(), version: options.version,
    slots: config.slots, kinds: [...config.kinds], startedAt: new Date().toISOString(), log: logPlace(config.logFile),
  };
  const announce = async (): Promise<void> => {
    await queue.announceAgent(config.id, { ...about, state: drain.aborted || stop.aborted ? 'draining' : 'working', inHand });
  };
  let announcing: NodeJS.Timeout | null = null;
  const pool = options.openPool?.(store)
    ?? openTilePool({ slots: config.slots, store, ...(options.runnersUrl !== undefined && { runnersUrl: options.runnersUrl }) });
  try {
    await Promise.all([queue.ensure(AbortSignal.any([drain, stop])), pool.ready()]);
    // Loaded where it is used: its client is a tenth of an agent's start.
    metrics = config.metricsPort === null ? null : await (await import('./metrics.js')).openMetrics(config.metricsPort);
    await announce().catch(problem);
    announcing = setInterval(() => { announce().catch(problem); }, announceMs);
    // The bus may be closed before it answers.
    drain.addEventListener('abort', () => { announce().catch(() => undefined); });
    log('agent:started', { bus: config.bus.servers, store: store.url, slots: config.slots, kinds: config.kinds, version: options.version });
    const ports = {
      agent: config.id, queue, store, log, now: () => new Date(),
      runTask: pool.run,
      ...(metrics && { onOutcome: metrics.countOutcome }),
    };
    const ends = await pullTasks(ports, {
      slots: config.slots, kinds: config.kinds, heartbeatMs: ackWaitMs / 3, drain, stop,
      onInHand(tasks) {
        inHand = tasks;
        metrics?.setInHand(tasks.length);
      },
    });
    lost.signal.throwIfAborted();
    log('agent:drained', { settled: ends.settled, handedBack: ends.returned });
  } finally {
    if (announcing !== null) clearInterval(announcing);
    metrics?.close();
    await queue.close();
    await pool.close();
    await store.close();
  }
}
