// SPDX-License-Identifier: Apache-2.0
import type { AlignTask, IngestTask, StereoTask, Task } from '@altiplano/protocol';
import type { TaskPorts, TaskResult, TaskRunner } from './task-result.js';

/** The page that runs each kind of task: run-ingest, run-align, run-stereo (which serves coarse and stereo). */
export interface TaskRunners {
  readonly ingest: TaskRunner<IngestTask>;
  readonly align: TaskRunner<AlignTask>;
  readonly coarse: TaskRunner<StereoTask>;
  readonly stereo: TaskRunner<StereoTask>;
  /** Coarse and stereo tiles in four parts, for a quarter of the memory. */
  readonly split: TaskRunner<StereoTask>;
}

export interface RunTaskOptions {
  readonly signal?: AbortSignal;
  /** In four parts, where the kind of task has parts. */
  readonly split?: boolean;
}

/** Runs a task by its kind. Throws what the runner throws. */
export function runTask(runners: TaskRunners, ports: TaskPorts, task: Task, { signal, split = false }: RunTaskOptions = {}): Promise<TaskResult> {
  switch (task.kind) {
    case 'ingest': return runners.ingest(ports, task, signal);
    case 'align': return runners.align(ports, task, signal);
    case 'coarse': return (split ? runners.split : runners.coarse)(ports, task, signal);
    case 'stereo': return (split ? runners.split : runners.stereo)(ports, task, signal);
  }
}
