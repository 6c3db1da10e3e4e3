// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { type IngestTask, InputError, ServiceUnavailableError } from '@altiplano/protocol';
import type { TaskRunners } from '../src/run-task.js';
import type { TaskPorts, TaskResult } from '../src/task-result.js';

/** Runners that do what an ingest task's `source` says, for tests of the shell around them. */
export const runners: TaskRunners = { ingest: runBySource, align: unused, coarse: unused, stereo: unused, split: unused };

async function unused(): Promise<TaskResult> {
  throw new Error('the tests publish ingest tasks only');
}

async function runBySource({ store, onStage }: TaskPorts, task: IngestTask): Promise<TaskResult> {
  switch (task.source) {
    case 'done':
      await store.putIfAbsent(task.outKey, Buffer.from('pixels'));
      return { state: 'done', outKey: task.outKey, stages: { read: 0.5 }, metrics: { validCells: 7 } };
    case 'empty': return { state: 'empty', reason: 'no-overlap', stages: {}, metrics: {} };
    case 'bad-input': throw new InputError('image x.tif: no RPC');
    case 'bug': throw new TypeError('undefined is not a function');
    case 'away-once':
      if (await store.putIfAbsent('away-once', Buffer.from(''))) throw new ServiceUnavailableError('store: away');
      return { state: 'empty', reason: 'was-away', stages: {}, metrics: {} };
    case 'pid': return { state: 'done', outKey: task.outKey, stages: {}, metrics: { pid: process.pid } };
    case 'segfault':
      onStage?.('match');
      process.kill(process.pid, 'SIGSEGV');
      throw new Error('it survived');
    case 'hog': {
      onStage?.('hog');
      const held: Buffer[] = [];
      for (;;) {
        held.push(Buffer.alloc(2 ** 25, 1));
        await delay(20);
      }
    }
    case 'exit': process.exit(9); // ends this worker thread
    case 'block':
      await store.put('pid', Buffer.from(String(process.pid)));
      onStage?.('blocked');
      // A native call: the thread is not available to anything else until it returns.
      while (!(await store.has('release'))) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      return { state: 'done', outKey: task.outKey, stages: {}, metrics: {} };
    case 'wait':
      while (!(await store.has('release'))) await delay(20);
      return { state: 'done', outKey: task.outKey, stages: {}, metrics: {} };
    default: throw new InputError(`unknown source ${task.source}`);
  }
}
