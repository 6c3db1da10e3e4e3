// SPDX-License-Identifier: Apache-2.0
import { writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { threadCpuSeconds } from '@altiplano/kernels';
import type { Task } from '@altiplano/protocol';
import { openStore } from '@altiplano/protocol/store';
import { crashHookOf } from './crash-hook.js';
import type { TaskRun } from './run-delivery.js';
import { type TaskRunners, runTask } from './run-task.js';
import { type TaskFailure, failureOf } from './task-failure.js';
import { unendedRound } from './unended-round.js';

/** What a worker thread is told at its start. */
export interface WorkerConfig {
  readonly storeUrl: string;
  /** A module that exports `runners: TaskRunners`. */
  readonly runnersUrl: string;
  /** File descriptor that the stages' names are written to, a line each: what is in a pipe survives its writer. Null: they are sent as StageMessage. */
  readonly stageFd: number | null;
}

/** One run of a task, as a worker gets it. */
export interface WorkerOrder {
  /** Numbers the runs of a pool. */
  readonly run: number;
  readonly task: Task;
  readonly split: boolean;
}

/** A run has reached a stage. */
export interface StageMessage { readonly run: number; readonly stage: string }

/** Errors travel as data: their classes don't survive the way between threads. */
export type WorkerReply = { readonly is: 'ran'; readonly run: TaskRun } | { readonly is: 'failed'; readonly failure: TaskFailure };

// The entrance of a worker thread, so it opens its ports here; main gave it the configuration.
const config: WorkerConfig = workerData;
const store = openStore(config.storeUrl);
store.catch(() => undefined); // told by the task that awaits it
const runners: Promise<{ readonly runners: TaskRunners }> = import(config.runnersUrl);
runners.catch(() => undefined);

function tellStage(message: StageMessage): void {
  if (config.stageFd === null) parentPort?.postMessage(message);
  else writeSync(config.stageFd, `${message.stage}\n`);
}

/** Runs a task in this thread. What it throws comes back as a failure with the stage it was in. */
export async function runInWorker({ run, task, split }: WorkerOrder): Promise<WorkerReply> {
  const wallStart = performance.now();
  const cpuStart = threadCpuSeconds();
  const crash = crashHookOf(task);
  let last: string | undefined;
  const onStage = (stage: string): void => {
    last = stage;
    tellStage({ run, stage });
    crash(stage);
  };
  try {
    const result = await runTask((await runners).runners, { store: unendedRound(await store, task), onStage }, task, { split });
    return { is: 'ran', run: { result, wallSeconds: (performance.now() - wallStart) / 1000, cpuSeconds: threadCpuSeconds() - cpuStart } };
  } catch (error) {
    return { is: 'failed', failure: { ...(last !== undefined && { stage: last }), ...failureOf(error) } };
  }
}

/** Null when this thread is able to run tasks. */
export async function checkWorker(): Promise<TaskFailure | null> {
  try {
    await Promise.all([runners, store]);
    return null;
  } catch (error) {
    return failureOf(error);
  }
}
