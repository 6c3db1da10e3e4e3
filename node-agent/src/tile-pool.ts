// SPDX-License-Identifier: Apache-2.0
import { setMaxListeners } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Task } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import { Piscina } from 'piscina';
import type { RunOptions, TaskRun } from './run-delivery.js';
import { TaskFailedError, type TaskFailure } from './task-failure.js';
import type { StageMessage, WorkerConfig, WorkerOrder, WorkerReply } from './task-worker.js';

export interface TilePool {
  /** Resolves when a worker has opened the store and loaded the runners and their addon. Throws TaskFailedError where it can't. */
  ready(): Promise<void>;
  /**
   * Runs a task in a free worker. Throws TaskFailedError; an abort kills the worker and throws AbortError. One of class 'timeout'
   * leaves its worker in the call it hangs in: nothing but the end of the process stops that.
   */
  readonly run: (task: Task, options: Omit<RunOptions, 'isolated'>) => Promise<TaskRun>;
  close(): Promise<void>;
}

export interface TilePoolOptions {
  /** Worker threads, one task each. */
  readonly slots: number;
  readonly store: Pick<ObjectStore, 'url' | 'scratchFolder'>;
  /** How long a task may take. */
  readonly timeoutMs: number;
  /** A module that exports `runners: TaskRunners`; default: this package's own. */
  readonly runnersUrl?: string | undefined;
  /** See WorkerConfig. */
  readonly stageFd?: number;
}

/** Starts the worker threads, in which native calls may run for a minute without stalling the main thread's heartbeats. */
export function openTilePool(options: TilePoolOptions): TilePool {
  const config: WorkerConfig = { storeUrl: options.store.url, runnersUrl: options.runnersUrl ?? ownRunners, stageFd: options.stageFd ?? null };
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
  let runs = 0;
  const listeners = new Map<number, (stage: string) => void>();
  pool.on('message', ({ run, stage }: StageMessage) => { listeners.get(run)?.(stage); });

  return {
    async ready() {
      const failure: TaskFailure | null = await pool.run(null, { name: 'checkWorker' });
      if (failure !== null) throw new TaskFailedError(failure);
    },
    async run(task, { split, signal, onStage }) {
      const order: WorkerOrder = { run: ++runs, task, split };
      let last: string | null = null;
      listeners.set(order.run, (stage) => {
        last = stage;
        onStage(stage);
      });
      setMaxListeners(0, signal);
      let limit: NodeJS.Timeout | undefined;
      try {
        const replying: Promise<WorkerReply> = pool.run(order, { signal });
        const late = new Promise<never>((_, reject) => {
          limit = setTimeout(() => { reject(new TaskFailedError(timeoutFailure(options.timeoutMs, last))); }, options.timeoutMs);
        });
        const reply = await Promise.race([replying, late]);
        if (reply.is === 'failed') throw new TaskFailedError(reply.failure);
        return reply.run;
      } finally {
        clearTimeout(limit);
        listeners.delete(order.run);
      }
    },
    async close() { await pool.destroy(); },
  };
}

/** What this package does with each kind of task. */
export const ownRunners = new URL('./runners.js', import.meta.url).href;

/** A task took longer than it may. */
export function timeoutFailure(timeoutMs: number, stage: string | null): TaskFailure {
  return {
    code: 'timeout', class: 'timeout', ...(stage !== null && { stage }),
    message: `took longer than ${timeoutMs / 1000} s${stage === null ? '' : `, in stage ${stage}`} (--task-timeout)`,
  };
}
