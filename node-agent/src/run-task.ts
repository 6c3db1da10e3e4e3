// SPDX-License-Identifier: Apache-2.0
import type { AlignTask, IngestTask, StereoTask, Task } from '@altiplano/protocol';
import type { TaskPorts, TaskResult, TaskRunner } from './task-result.js';

/** The page that runs each kind of task: run-ingest, run-align, run-stereo (which serves coarse and stereo). */
export interface TaskRunners {
  readonly ingest: TaskRunner<IngestTask>;
  readonly align: TaskRunner<AlignTask>;
  readonly coarse: TaskRunner<StereoTask>;
  readonly stereo: TaskRunner<StereoTask>;
}

/** Runs a task by its kind. Throws what the runner throws. */
export function runTask(runners: TaskRunners, ports: TaskPorts, task: Task, signal?: AbortSignal): Promise<TaskResult> {
  switch (task.kind) {
    case 'ingest': return runners.ingest(ports, task, signal);
    case 'align': return runners.align(ports, task, signal);
    case 'coarse': return runners.coarse(ports, task, signal);
    case 'stereo': return runners.stereo(ports, task, signal);
  }
}
