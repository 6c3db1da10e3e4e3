// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Task } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import type { IsolatedOrder } from './isolated-program.js';
import type { RunOptions, TaskRun } from './run-delivery.js';
import { TaskFailedError, type TaskFailure } from './task-failure.js';
import type { WorkerReply } from './task-worker.js';
import { ownRunners, timeoutFailure } from './tile-pool.js';

export interface IsolatedRunsOptions {
  readonly store: Pick<ObjectStore, 'url' | 'scratchFolder'>;
  readonly timeoutMs: number;
  readonly runnersUrl?: string | undefined;
  /** The most a task's process may hold; default: half as much again as the task's budget. */
  readonly memoryLimitMb?: (task: Task) => number;
}

const program = fileURLToPath(new URL('./isolated-program.js', import.meta.url));
const memoryPollMs = 100;
/** Of tasks that have no budget of their own: the plan's default. */
const usualBudgetMb = 1_500;
const usualLimitMb = (task: Task): number => 1.5 * ('memoryBudgetMb' in task ? task.memoryBudgetMb : usualBudgetMb);

/**
 * Runs a task in a process of its own, with a limit on its memory and its time, so that whatever it does ends in a failure
 * and not in a dead agent. Throws TaskFailedError, and the signal's reason on abort; the process has ended then, too.
 */
export async function runIsolated(options: IsolatedRunsOptions, task: Task, { split, signal, onStage }: Omit<RunOptions, 'isolated'>): Promise<TaskRun> {
  signal.throwIfAborted();
  const child = fork(program, [], { execArgv: [], serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc', 'pipe'] });
  let stage: string | null = null;
  let why: TaskFailure | null = null;
  const kill = (failure: TaskFailure | null): void => {
    why ??= failure;
    child.kill('SIGKILL');
  };
  const onAbort = (): void => { kill(null); };
  signal.addEventListener('abort', onAbort);
  const timer = setTimeout(() => { kill(timeoutFailure(options.timeoutMs, stage)); }, options.timeoutMs);
  const limitMb = (options.memoryLimitMb ?? usualLimitMb)(task);
  const watch = watchMemory(child, limitMb, (mb) => { kill(memoryFailure(mb, limitMb, stage)); });
  const stages = child.stdio[4];
  if (stages instanceof Readable) {
    createInterface(stages).on('line', (line) => {
      stage = line;
      onStage(line);
    });
  }
  let reply: WorkerReply | null = null;
  child.once('message', (message: WorkerReply) => {
    reply = message;
    child.kill('SIGKILL');
  });
  try {
    const order: IsolatedOrder = {
      task, split, store: { url: options.store.url, scratchFolder: options.store.scratchFolder }, runnersUrl: options.runnersUrl ?? ownRunners,
    };
    child.send(order, () => undefined); // one that is gone already is told by its end
    // 'close' and not 'exit': what the pipe holds has been read by then.
    const [code, endSignal]: unknown[] = await once(child, 'close');
    if (reply !== null) return replied(reply);
    signal.throwIfAborted();
    throw new TaskFailedError(why ?? crashFailure(code, endSignal, stage));
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
    clearInterval(watch);
  }
}

function replied(reply: WorkerReply): TaskRun {
  if (reply.is === 'failed') throw new TaskFailedError(reply.failure);
  return reply.run;
}

/** Looks at what a process holds, where the system tells (Linux). */
function watchMemory(child: ChildProcess, limitMb: number, onTooMuch: (mb: number) => void): NodeJS.Timeout {
  return setInterval(() => {
    void readFile(`/proc/${child.pid ?? 0}/status`, 'utf8').catch(() => '').then((status) => {
      const mb = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
      if (mb > limitMb) onTooMuch(mb);
    });
  }, memoryPollMs);
}

const inStage = (stage: string | null): string => (stage === null ? '' : ` in stage ${stage}`);

const memoryFailure = (mb: number, limitMb: number, stage: string | null): TaskFailure => ({
  code: 'no-memory', class: 'memory', ...(stage !== null && { stage }),
  message: `held ${mb.toFixed(0)} MB${inStage(stage)}, its process may hold ${limitMb.toFixed(0)} MB`,
});

function crashFailure(code: unknown, signal: unknown, stage: string | null): TaskFailure {
  const how = typeof signal === 'string' ? `by ${signal}` : `with exit code ${String(code)}`;
  const outside = signal === 'SIGKILL' ? ': by somebody, or by the system for want of memory' : '';
  return {
    code: 'crashed', class: 'crash', message: `its process ended ${how}${inStage(stage)}${outside}`,
    ...(stage !== null && { stage }), ...(typeof signal === 'string' && { signal }),
  };
}
