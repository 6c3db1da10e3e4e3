// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';

export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly attempts: number;
  /** Longest pause before the second try; doubled before each that follows, up to `mostMs`. */
  readonly firstMs: number;
  readonly mostMs: number;
}

/**
 * Runs an operation until it succeeds, fails for good, or was tried often enough; then its last error is thrown. Before a
 * try it sleeps for a random time below a bound that doubles, so that clients that failed together don't come back together
 * ("full jitter": Brooker, Exponential Backoff And Jitter, AWS Architecture Blog 2015). An abort ends it at once.
 */
export async function withRetries<T>(
  run: () => Promise<T>, isTransient: (error: unknown) => boolean, policy: RetryPolicy, signal?: AbortSignal,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await run();
    } catch (error) {
      if (signal?.aborted === true || attempt >= policy.attempts || !isTransient(error)) throw error;
      const most = Math.min(policy.mostMs, policy.firstMs * 2 ** (attempt - 1));
      await delay(Math.random() * most, undefined, signal && { signal });
    }
  }
}
