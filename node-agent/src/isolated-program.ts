// SPDX-License-Identifier: Apache-2.0
import type { Task } from '@altiplano/protocol';
import { TaskFailedError, failureOf } from './task-failure.js';
import type { WorkerReply } from './task-worker.js';
import { type TilePoolOptions, openTilePool } from './tile-pool.js';

/** What the program is told: the one task it runs. */
export interface IsolatedOrder {
  readonly task: Task;
  readonly split: boolean;
  readonly store: TilePoolOptions['store'];
  readonly runnersUrl: string;
}

// The entrance of a process that runs one task, in a thread beside this one, which sees its parent's end even while a native call
// runs. Then it ends by SIGKILL, as process.exit would wait for that call.
const end = (): void => { process.kill(process.pid, 'SIGKILL'); };
process.on('disconnect', end);
// Ctrl-C reaches whoever runs in the terminal; the parent decides.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

/** Where isolated-runs.ts reads the stages. */
const stageFd = 4;

process.once('message', ({ task, split, store, runnersUrl }: IsolatedOrder) => {
  const pool = openTilePool({ slots: 1, store, runnersUrl, stageFd, timeoutMs: 2 ** 31 - 1 });
  pool.run(task, { split, signal: new AbortController().signal, onStage: () => undefined }).then(
    (run): WorkerReply => ({ is: 'ran', run }),
    (error: unknown): WorkerReply => ({ is: 'failed', failure: error instanceof TaskFailedError ? error.failure : failureOf(error) }),
  ).then((reply) => { process.send?.(reply); }, end);
});
