// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Task } from '@altiplano/protocol';

/** A file name nobody else uses, in the system's scratch folder (TMPDIR), for what a task writes before it is put into the store. */
export function scratchFile(task: Task, extension: string): string {
  return join(tmpdir(), `altiplano-${task.sceneId}-${task.taskId}-${randomUUID()}${extension}`);
}
