// SPDX-License-Identifier: Apache-2.0

/** Seconds spent per named stage of one task. */
export interface StageClock {
  /** Runs `work` and adds its time to `stage`; the stage that throws is remembered by `current`. */
  time<T>(stage: string, work: () => T): T;
  timeAsync<T>(stage: string, work: () => Promise<T>): Promise<T>;
  seconds(): Record<string, number>;
}

/** Makes a clock that adds up wall seconds per stage; stages run one after the other, so these are also CPU seconds of kernels. */
export function makeStageClock(now: () => number = () => performance.now()): StageClock {
  const total = new Map<string, number>();
  const add = (stage: string, since: number): void => {
    total.set(stage, (total.get(stage) ?? 0) + (now() - since) / 1000);
  };
  return {
    time(stage, work) {
      const since = now();
      try {
        return work();
      } finally {
        add(stage, since);
      }
    },
    async timeAsync(stage, work) {
      const since = now();
      try {
        return await work();
      } finally {
        add(stage, since);
      }
    },
    seconds: () => Object.fromEntries(total),
  };
}
