// SPDX-License-Identifier: Apache-2.0
import type { TaskEvent } from './outcome.js';
import type { TaskKind } from './task.js';

/** Every NATS name Altiplano uses. Scene and task ids are single subject tokens (their schemas say so). */
export const deadStream = 'DEAD';
export const agentsBucket = 'AGENTS';
/** What a value of the bucket is published to (source: NATS ADR-8). */
export const presenceSubject = (agent: string): string => `$KV.${agentsBucket}.${agent}`;

export const taskSubject = (kind: TaskKind, sceneId: string, taskId: string): string => `tasks.${kind}.${sceneId}.${taskId}`;
/** A stream per kind, so that its one consumer needs no filter. */
export const tasksStream = (kind: TaskKind): string => `TASKS-${kind}`;
/** Whether a subject is that of a task of this kind. */
export const isTaskOf = (kind: TaskKind, subject: string): boolean => subject.startsWith(`tasks.${kind}.`);
export const tasksOf = (kind: TaskKind): string => `tasks.${kind}.>`;
export const taskConsumer = (kind: TaskKind): string => `agents-${kind}`;
/**
 * Events are sent and not kept: what nobody hears is in the ledger. Starts have their own subject, so that who waits for ends needn't
 * read them.
 */
export const eventSubject = (sceneId: string, type: TaskEvent['type']): string => `events.${sceneId}.${type === 'started' ? 'starts' : 'ends'}`;
export const eventFilter = (sceneId: string, which: 'all' | 'ends' = 'all'): string => `events.${sceneId}.${which === 'all' ? '>' : 'ends'}`;
export const deadSubject = (sceneId: string, taskId: string): string => `dead.${sceneId}.${taskId}`;
/** Every task of a scene, of one kind. */
export const tasksOfScene = (kind: TaskKind, sceneId: string): string => `tasks.${kind}.${sceneId}.>`;
export const deadFilter = (sceneId: string): string => `dead.${sceneId}.>`;

/** A plain message that tells the coordinator to look at the store's orders now: see `active/` in keys.ts. */
export const nudgeSubject = 'control.scenes';

/** What a program is on the bus. Each has a permission set of its own (helm/altiplano/files/nats), for accounts that may do no more. */
export type BusRole = 'agent' | 'coordinator' | 'viewer';
/** Answers come to subjects below it, so that an account listens to answers of its own role only. */
export const inboxPrefixOf = (role: BusRole): string => `_INBOX_${role}`;

/** The ids in a task's subject, for messages that can't be read; null where it isn't a task's. */
export function parseTaskSubject(subject: string): { readonly kind: string; readonly sceneId: string; readonly taskId: string } | null {
  const [head, kind, sceneId, taskId, ...rest] = subject.split('.');
  return head === 'tasks' && kind && sceneId && taskId && rest.length === 0 ? { kind, sceneId, taskId } : null;
}
