// SPDX-License-Identifier: Apache-2.0
import type { SceneStatus } from '@altiplano/protocol';

/** A scene's warnings as its status tells them. There may be one for each attempt that failed, so only the last are kept. */
export interface LastWarnings {
  add(message: string): void;
  told(): Pick<SceneStatus, 'warnings' | 'earlierWarnings'>;
}

const mostWarnings = 20;

/** Begins with a plan's warnings. */
export function openLastWarnings(first: readonly string[]): LastWarnings {
  let [count, last]: [number, readonly string[]] = [0, []];
  const add = (message: string): void => {
    count += 1;
    last = [...last, message].slice(-mostWarnings);
  };
  for (const message of first) add(message);
  return { add, told: () => ({ warnings: [...last], earlierWarnings: count - last.length }) };
}
