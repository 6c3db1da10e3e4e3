// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { ServiceUnavailableError } from '@altiplano/protocol';

const pausesMs = [100, 500, 2_000, 10_000] as const;

/**
 * Repeats a call while its service is away, until the signal aborts. The task stays in hand meanwhile: giving
 * it back would use up its attempts on something that isn't its fault.
 */
export async function waitOut<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let i = 0; ; i++) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ServiceUnavailableError)) throw error;
      signal.throwIfAborted();
      await delay(pausesMs[Math.min(i, pausesMs.length - 1)], undefined, { signal });
    }
  }
}
