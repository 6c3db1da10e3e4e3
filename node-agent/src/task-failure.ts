// SPDX-License-Identifier: Apache-2.0
import { AltiplanoError, type Retry, cutText } from '@altiplano/protocol';

/** An error as plain data: classes don't survive the way from a worker thread, nor into the ledger. */
export interface TaskFailure {
  readonly code: string;
  readonly message: string;
  /** 'unknown': not one of ours, a bug or the machine. */
  readonly retry: Retry | 'unknown';
  /** The stage that failed, where the error says so. */
  readonly stage?: string;
  readonly stack?: string;
}

/**
 * Describes any thrown value, its message cut to what messages and ledger take. Errors of kernels carry a code in our kebab-case; where they have no `retry` they follow
 * from the task's input alone, so they'd come again.
 */
export function failureOf(error: unknown): TaskFailure {
  if (!(error instanceof Error)) return { code: 'unknown', message: cutText(String(error)), retry: 'unknown' };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
  const isOurs = /^[a-z]+(-[a-z]+)*$/.test(code) && code !== 'unknown';
  return {
    code: isOurs ? code : 'unknown',
    message: cutText(isOurs || code === 'unknown' ? error.message : `${code}: ${error.message}`),
    retry: error instanceof AltiplanoError ? error.retry : !isOurs ? 'unknown' : 'retry' in error && isRetry(error.retry) ? error.retry : 'never',
    ...('stage' in error && typeof error.stage === 'string' && { stage: error.stage }),
    ...(error.stack !== undefined && { stack: error.stack }),
  };
}

const isRetry = (value: unknown): value is Retry => value === 'never' || value === 'later' || value === 'now';

/** A task failed in a worker thread. */
export class TaskFailedError extends AltiplanoError {
  readonly failure: TaskFailure;
  constructor(failure: TaskFailure) {
    super(failure.code, failure.message, { retry: failure.retry === 'unknown' ? 'now' : failure.retry });
    this.failure = failure;
  }
}
