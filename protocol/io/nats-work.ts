// SPDX-License-Identifier: Apache-2.0
import type { TaskDelivery } from './task-queue.js';

/** The header of a task's message that tells of its content, also where the message can't be read: see workOf. */
export const taskHeader = 'Altiplano-Task';
/** A header of tasks that may have been tried before. */
export const mayHaveAttemptsHeader = 'Altiplano-May-Have-Attempts';

/** <hash>.<round>.<call>: what a task's message is about, and what tells one publishing of it from another. */
export const workOf = ({ hash, round, call }: { readonly hash: string; readonly round: number; readonly call: string }): string => `${hash}.${round}.${call}`;

/** What a message is about, from its header; nulls where the header is none of ours. */
export function parseWork(text: string): Pick<TaskDelivery, 'hash' | 'round' | 'message'> {
  const [hash, round, call, ...rest] = text.split('.');
  return hash && call && rest.length === 0 && /^\d+$/.test(round ?? '') ? { hash, round: Number(round), message: call } : { hash: null, round: 0, message: null };
}
