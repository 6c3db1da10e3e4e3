// SPDX-License-Identifier: Apache-2.0
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Jobs done one after the other, in the order they were given. */
export interface Lane<T> {
  readonly push: (job: T) => void;
  /** Resolves when nothing is left to do. */
  idle(): Promise<void>;
}

/** `run` must not reject. A waiting job costs its own memory and no more. `onIdle`: called whenever nothing is left to do. */
export function openLane<T>(run: (job: T) => Promise<void>, onIdle: () => void = () => undefined): Lane<T> {
  let waiting: T[] = [];
  let working: Promise<void> | null = null;
  const work = async (): Promise<void> => {
    while (waiting.length > 0) {
      const jobs = waiting;
      waiting = [];
      for (const job of jobs) {
        await run(job);
        // Jobs may compute without a pause, and the bus must be served between two of them.
        await nextTurn();
      }
    }
    working = null;
    onIdle();
  };
  return {
    push(job) {
      waiting.push(job);
      working ??= Promise.resolve().then(work);
    },
    async idle() { await working; },
  };
}
