// SPDX-License-Identifier: Apache-2.0
import type { FailureClass } from '@altiplano/protocol';
import { AltiplanoError } from '@altiplano/protocol/plain';

/** An error as plain data: classes don't survive the way from a worker thread, nor into the ledger. */
export interface TaskFailure {
  readonly code: string;
  readonly message: string;
  readonly class: FailureClass;
  /** The stage that failed, where somebody knows. */
  readonly stage?: string;
  /** What ended the task's own process. */
  readonly signal?: string;
  readonly stack?: string;
}

/**
 * Describes any thrown value. Errors of kernels carry a code in our kebab-case; where they have no `retry` they follow
 * from the task's input alone, so they'd come again.
 */
export function failureOf(error: unknown): TaskFailure {
  if (!(error instanceof Error)) return { code: 'unknown', message: String(error), class: 'unknown' };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const isOurs = /^[a-z]+(-[a-z]+)*$/.test(code);
  const message = isOurs || code === '' ? error.message : `${code}: ${error.message}`;
  const known = knownCauses.find(({ shows }) => shows.test(message));
  return {
    ...(known === undefined ? { code: isOurs ? code : 'unknown', message, class: classOf(error, isOurs) }
      : { code: isOurs && known.code === 'no-memory' ? code : known.code, message: `${message}${known.fix}`, class: known.class }),
    ...('stage' in error && typeof error.stage === 'string' && { stage: error.stage }),
    ...(error.stack !== undefined && { stack: error.stack }),
  };
}

/** Causes that operating system, runtime and GDAL tell in words of their own, which errors of ours pass on. */
const knownCauses: readonly { readonly shows: RegExp; readonly code: string; readonly class: FailureClass; readonly fix: string }[] = [
  { shows: /bad_alloc|allocation failed|ENOMEM|[Oo]ut of memory|Cannot allocate memory/, code: 'no-memory', class: 'memory', fix: '' },
  { shows: /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/, code: 'no-space', class: 'transient', fix: '; make room there' },
  { shows: /EROFS|EACCES|EPERM|Read-only file system/, code: 'access-denied', class: 'transient', fix: "; let the agent's user write there" },
];

function classOf(error: Error, isOurs: boolean): FailureClass {
  if ('code' in error && error.code === 'memory-budget') return 'memory';
  const retry = 'retry' in error ? error.retry : isOurs ? 'never' : 'now';
  return !isOurs && !(error instanceof AltiplanoError) ? 'unknown' : retry === 'later' ? 'transient' : retry === 'now' ? 'unknown' : 'permanent';
}

/** A task failed in a worker thread or a process of its own. */
export class TaskFailedError extends AltiplanoError {
  readonly failure: TaskFailure;
  constructor(failure: TaskFailure) {
    super(failure.code, failure.message, { retry: failure.class === 'transient' ? 'later' : 'never' });
    this.failure = failure;
  }
}
