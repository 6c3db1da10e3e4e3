// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import type { Task } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import { Piscina } from 'piscina';
import type { TaskRun } from './run-delivery.js';
import { TaskFailedError, type TaskFailure } from './task-failure.js';
import type { WorkerConfig, WorkerReply } from './task-worker.js';

export interface TilePool {
  /** Resolves when a worker has opened the store and loaded the runners and their addon. Throws TaskFailedError where it can't. */
  ready(): Promise<void>;
  /** Runs a task in a free worker. Throws TaskFailedError; an abort kills the worker and throws AbortError. */
  readonly run: (task: Task, signal: AbortSignal) => Promise<TaskRun>;
  close(): Promise<void>;
}

export interface TilePoolOptions {
  /** Worker threads, one task each. */
  readonly slots: number;
  readonly store: Pick<ObjectStore, 'url' | 'scratchFolder'>;
  /** A module that exports `runners: TaskRunners`; default: this package's own. */
  readonly runnersUrl?: string;
}

/** Starts the worker threads, in which native calls may run for a minute without stalling the main thread's heartbeats. */
export function openTilePool(options: TilePoolOptions): TilePool {
  const config: WorkerConfig = { storeUrl: options.store.url, runnersUrl: options.runnersUrl ?? new URL('./runners.js', import.meta.url).href };
  const pool = new Piscina({
    filename: fileURLToPath(new URL('./task-worker.js', import.meta.url)),
    name: 'runInWorker',
    minThreads: options.slots, maxThreads: options.slots,
    workerData: config,
    // What a task writes before it is put into the store lies beside the store, so that putting is a move.
    env: { ...process.env, TMPDIR: options.store.scratchFolder },
    // Else an idle worker blocks in Atomics.wait, and its timers and closing handles with it.
    atomics: 'disabled',
  });
  return {
    async ready() {
      const failure: TaskFailure | null = await pool.run(null, { name: 'checkWorker' });
      if (failure !== null) throw new TaskFailedError(failure);
    },
    async run(task, signal) {
      const reply: WorkerReply = await pool.run(task, { signal });
      if (reply.is === 'failed') throw new TaskFailedError(reply.failure);
      return reply.run;
    },
    async close() { await pool.destroy(); },
  };
}
