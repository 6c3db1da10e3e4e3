// SPDX-License-Identifier: Apache-2.0
import type { TaskKind } from './task.js';

/** Every NATS name Altiplano uses. Scene and task ids are single subject tokens (their schemas say so). */
export const tasksStream = 'TASKS';
export const eventsStream = 'EVENTS';
export const deadStream = 'DEAD';
export const agentsBucket = 'AGENTS';

export const taskSubject = (kind: TaskKind, sceneId: string, taskId: string): string => `tasks.${kind}.${sceneId}.${taskId}`;
export const taskFilter = (kind: TaskKind): string => `tasks.${kind}.>`;
export const taskConsumer = (kind: TaskKind): string => `agents-${kind}`;
export const eventSubject = (sceneId: string, taskId: string): string => `events.${sceneId}.${taskId}`;
export const eventFilter = (sceneId: string): string => `events.${sceneId}.>`;
export const deadSubject = (sceneId: string, taskId: string): string => `dead.${sceneId}.${taskId}`;
export const deadFilter = (sceneId: string): string => `dead.${sceneId}.>`;

/** The ids in a task's subject, for messages that can't be read; null where it isn't a task's. */
export function parseTaskSubject(subject: string): { readonly kind: string; readonly sceneId: string; readonly taskId: string } | null {
  const [head, kind, sceneId, taskId, ...rest] = subject.split('.');
  return head === 'tasks' && kind && sceneId && taskId && rest.length === 0 ? { kind, sceneId, taskId } : null;
}
