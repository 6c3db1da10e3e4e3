// SPDX-License-Identifier: Apache-2.0
import { type Task, type TaskOutcome, taskHash } from '@altiplano/protocol';

/** The outcome an agent would write for a task. */
export function outcomeOf(task: Task, state: TaskOutcome['state'] = 'done'): TaskOutcome {
  return {
    v: 1, sceneId: task.sceneId, taskId: task.taskId, kind: task.kind, state, taskHash: taskHash(task), round: task.round,
    ...(state === 'done' ? { outKey: task.outKey } : {}),
    ...(state === 'empty' ? { reason: 'no-match' } : {}),
    ...(state === 'dead' ? { error: { code: 'bad-input', message: 'made dead by the test' } } : {}),
    attempts: 1, agent: 'test', startedAt: '2026-01-01T00:00:00.000Z', wallSeconds: 2, cpuSeconds: 1, stages: { match: 1 }, metrics: { matchedPixels: 100, deliveredCells: 50 },
  };
}
