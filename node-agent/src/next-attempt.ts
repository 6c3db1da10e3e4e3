// SPDX-License-Identifier: Apache-2.0
import type { FailureClass, TaskAttempt } from '@altiplano/protocol';

/** What of an attempt decides about the next one. */
export type Attempted = Pick<TaskAttempt, 'class' | 'isolated' | 'split' | 'signal'>;

export interface NextRun {
  readonly is: 'run';
  readonly afterMs: number;
  /** In a process of its own. */
  readonly isolated: boolean;
  /** In four parts. */
  readonly split: boolean;
}
export type NextAttempt = NextRun | { readonly is: 'dead'; readonly class: FailureClass };

const firstRun: NextRun = { is: 'run', afterMs: 0, isolated: false, split: false };

/** A bug seldom goes away by itself. */
const mostUnknown = 3;
/** Between the attempts while a service is away, or its disk full: eight of them in ten minutes. */
const transientPausesMs = [1_000, 5_000, 15_000, 45_000, 90_000, 180_000, 240_000] as const;
/** A process is also killed from outside, by the kernel when memory is short: that alone proves nothing. */
const mostKilled = 3;
/** Machines go away, and their agents with them, whatever task they had in hand. */
const mostVanished = 10;

/**
 * Decides from the attempts of a round so far, in the order they were made, whether a task is run again, and how: the whole policy.
 *
 *   permanent   dead at once
 *   transient   again after a growing pause; the 8th is the last
 *   unknown     again at once; the 3rd is the last
 *   memory      again, split in four; dead where that fails for memory, too
 *   timeout     again in a process of its own; dead where it was in one
 *   crash       (seen by the parent of a task's own process) dead; killed by SIGKILL: the 3rd time
 *   vanished    again in a process of its own; the 10th is the last
 *   drain       costs nothing
 *
 * Once sent to a process of its own, a task stays there.
 */
export function nextAttempt(attempts: readonly Attempted[]): NextAttempt {
  if (attempts.length === 0) return firstRun;
  const counts = (some: (attempt: Attempted) => boolean): number => attempts.filter(some).length;
  const of = (name: Attempted['class']) => (attempt: Attempted): boolean => attempt.class === name;
  const isKill = ({ class: of, signal }: Attempted): boolean => of === 'crash' && signal === 'SIGKILL';

  const dead: readonly (readonly [FailureClass, boolean])[] = [
    ['permanent', attempts.some(of('permanent'))],
    ['crash', attempts.some((attempt) => attempt.class === 'crash' && !isKill(attempt)) || counts(isKill) >= mostKilled],
    ['timeout', attempts.some((attempt) => attempt.class === 'timeout' && attempt.isolated)],
    ['memory', attempts.some((attempt) => attempt.class === 'memory' && attempt.split)],
    ['transient', counts(of('transient')) > transientPausesMs.length],
    ['unknown', counts(of('unknown')) >= mostUnknown],
    ['vanished', counts(of('vanished')) >= mostVanished],
  ];
  const [end] = dead.find(([, isTrue]) => isTrue) ?? [];
  if (end !== undefined) return { is: 'dead', class: end };

  return {
    is: 'run',
    afterMs: attempts.at(-1)?.class === 'transient' ? transientPausesMs[counts(of('transient')) - 1] ?? 0 : 0,
    isolated: attempts.some(({ class: of }) => ['crash', 'timeout', 'vanished'].includes(of)),
    split: attempts.some(of('memory')),
  };
}

/** The attempts that count for a task. */
export const countedAttempts = (attempts: readonly Attempted[]): number => attempts.filter((attempt) => attempt.class !== 'drain').length;
