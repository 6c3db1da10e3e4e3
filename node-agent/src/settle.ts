// SPDX-License-Identifier: Apache-2.0
import type { TaskDelivery } from '@altiplano/protocol/io';
import type { TaskFailure } from './task-failure.js';

/** What becomes of a failed delivery. */
export type FailureOutcome = { readonly is: 'retry'; readonly delayMs: number } | { readonly is: 'reject' };

/** Deliveries a task may use up; the next one is not run any more. */
export const maxAttempts = 5;
/** Deliveries of a task that fails by an error that isn't ours: a bug seldom goes away by itself. */
export const maxUnknownAttempts = 3;

const laterMs = [1_000, 5_000, 30_000, 120_000] as const;

/**
 * Decides by what failed and how often: never to be tried again ('reject'), or after a delay that grows while
 * a service is away.
 */
export function outcomeOf(failure: Pick<TaskFailure, 'retry'>, attempt: number): FailureOutcome {
  const allowed = failure.retry === 'never' ? 0 : failure.retry === 'unknown' ? maxUnknownAttempts : maxAttempts;
  if (attempt >= allowed) return { is: 'reject' };
  return { is: 'retry', delayMs: failure.retry === 'later' ? laterMs[attempt - 1] ?? 120_000 : 0 };
}

/** Obeys an outcome; 'ack' ends a task that is done, empty, or was done before. Nothing else answers deliveries. */
export async function settle(delivery: TaskDelivery, outcome: FailureOutcome | { readonly is: 'ack' }): Promise<void> {
  switch (outcome.is) {
    case 'ack': return delivery.ack();
    case 'retry': return delivery.retry(outcome.delayMs);
    case 'reject': return delivery.reject();
  }
}
