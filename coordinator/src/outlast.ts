// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { mendOf, messageOf } from './message-of.js';

export interface Patience {
  /** What is done, for warnings. */
  readonly what: string;
  /** Give up and throw after so long. */
  readonly mostMs: number;
  readonly warn: (message: string) => void;
  readonly signal: AbortSignal;
}

const [firstPauseMs, longestPauseMs] = [250, 10_000];

/**
 * Does what fails while a service is away until it works, with growing pauses. What would fail again, an object that is missing
 * included, is thrown at once; an abort throws the signal's reason.
 */
export async function outlast<T>(run: () => Promise<T>, { what, mostMs, warn, signal }: Patience): Promise<T> {
  const since = performance.now();
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, 2 * pauseMs)) {
    try {
      return await run();
    } catch (error) {
      signal.throwIfAborted();
      if (!mayPass(error) || performance.now() + pauseMs - since > mostMs) throw error;
      warn(`${what}: ${messageOf(error)}${mendOf(error)}; trying again`);
    }
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}

/** Whether an error says that the same may work later. */
export const mayPass = (error: unknown): boolean =>
  error instanceof Error && 'retry' in error && error.retry !== 'never' && !('code' in error && error.code === 'object-missing');
