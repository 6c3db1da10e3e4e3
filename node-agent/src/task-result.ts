// SPDX-License-Identifier: Apache-2.0
import type { Task, TaskOutcome } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import type { StereoWatcher } from './stereo-watcher.js';

/** What a task that did not fail hands back; the agent makes a ledger entry of it. */
export interface TaskResult {
  readonly state: 'done' | 'empty';
  /** Why it is empty ('outside-image', 'no-data', 'no-overlap', 'no-match', …); required then. */
  readonly reason?: string;
  /** Store key of the result; required when done. */
  readonly outKey?: string;
  /** Seconds per stage, in the order they ran. */
  readonly stages: TaskOutcome['stages'];
  readonly metrics: TaskOutcome['metrics'];
}

/** What a task may touch of the world. */
export interface TaskPorts {
  readonly store: ObjectStore;
  /** Told as each stage begins. */
  readonly onStage?: (stage: string) => void;
  /** Shown a stereo task's intermediates. */
  readonly watch?: StereoWatcher;
}

/**
 * Runs one task: reads and writes only through `ports.store`, throws AltiplanoError. The signal is checked
 * between stages: it aborts when the agent must stop at once, or lost the task to another agent.
 */
export type TaskRunner<T extends Task = Task> = (ports: TaskPorts, task: T, signal?: AbortSignal) => Promise<TaskResult>;
