// SPDX-License-Identifier: Apache-2.0
import { threadCpuSeconds } from '@altiplano/kernels';

/** CPU seconds spent per named stage of one task. */
export interface StageClock {
  /** Runs `work` and adds its time to `stage`, also when it throws. */
  time<T>(stage: string, work: () => T): T;
  timeAsync<T>(stage: string, work: () => Promise<T>): Promise<T>;
  /** Stages in the order they first ran. */
  seconds(): Record<string, number>;
}

export interface StageClockOptions {
  /** Told as a stage begins, before its work. */
  readonly onStage?: ((stage: string) => void) | undefined;
  /** Seconds. */
  readonly now?: () => number;
}

/**
 * Makes a clock that adds up this thread's CPU seconds per stage: a busy machine makes no stage look slower. Stages run one
 * after the other, not inside each other.
 */
export function makeStageClock({ onStage, now = threadCpuSeconds }: StageClockOptions = {}): StageClock {
  const total = new Map<string, number>();
  let last: string | null = null;
  const begin = (stage: string): number => {
    if (stage !== last) onStage?.(stage);
    last = stage;
    return now();
  };
  const add = (stage: string, since: number): void => {
    total.set(stage, (total.get(stage) ?? 0) + now() - since);
  };
  return {
    time(stage, work) {
      const since = begin(stage);
      try {
        return work();
      } finally {
        add(stage, since);
      }
    },
    async timeAsync(stage, work) {
      const since = begin(stage);
      try {
        return await work();
      } finally {
        add(stage, since);
      }
    },
    seconds: () => Object.fromEntries(total),
  };
}
