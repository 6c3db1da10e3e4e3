// SPDX-License-Identifier: Apache-2.0
/** Time, so that tests can turn it. */
export interface Clock {
  /** Milliseconds since some fixed moment. */
  now(): number;
  /** Runs `then` once after ms; the function returned cancels it. */
  after(ms: number, then: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, then) {
    const timer = setTimeout(then, ms);
    return () => { clearTimeout(timer); };
  },
};
