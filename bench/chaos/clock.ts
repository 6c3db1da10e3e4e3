// SPDX-License-Identifier: Apache-2.0
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Debian's libfaketime: a preloaded library that moves the time of day of a whole process, native code included, and leaves durations alone. */
const library = ['x86_64-linux-gnu', 'aarch64-linux-gnu']
  .map((machine) => `/usr/lib/${machine}/faketime/libfaketimeMT.so.1`).find((path) => existsSync(path));

export const canMoveClocks = library !== undefined;

/** A program's time of day, to be moved while it runs. */
export interface MovableClock {
  readonly env: Readonly<Record<string, string>>;
  /** Jumps to so many minutes ahead of the machine's time, or behind it. */
  jumpTo(minutes: number): void;
}

export function movableClock(folder: string, name: string): MovableClock {
  const file = join(folder, `${name}.clock`);
  const jumpTo = (minutes: number): void => { writeFileSync(file, `${minutes < 0 ? '-' : '+'}${Math.abs(minutes)}m\n`); };
  jumpTo(0);
  return {
    env: { LD_PRELOAD: library ?? '', FAKETIME_TIMESTAMP_FILE: file, FAKETIME_CACHE_DURATION: '1', DONT_FAKE_MONOTONIC: '1', NO_FAKE_STAT: '1' },
    jumpTo,
  };
}
