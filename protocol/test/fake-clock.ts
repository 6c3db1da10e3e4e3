// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../io/index.js';

export interface FakeClock extends Clock {
  /** Turns the clock on and runs what falls due, in order, letting promises settle in between. */
  advance(ms: number): Promise<void>;
}

export function makeFakeClock(): FakeClock {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  return {
    now: () => now,
    after(ms, run) {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return () => { timers.delete(timer); };
    },
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        const next = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        now = next.at;
        timers.delete(next);
        next.run();
        await new Promise((resolve) => { setImmediate(resolve); });
      }
      now = end;
    },
  };
}
