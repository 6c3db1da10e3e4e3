// SPDX-License-Identifier: Apache-2.0
// What memory costs before anything is done with it.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** System time per byte written to a file, nanoseconds: into pages nobody has used for a while, and into pages given up a moment before. */
export interface PageCost { readonly unused: number; readonly recycled: number }

const chunk = new Uint8Array(2 << 20);

/**
 * Writes a file of `bytes` into `folder`, drops it, and does so again. On a virtual machine that hands free memory back to its host the first
 * time may take ten times as long as the second: then a run's CPU depends on what the machine did before, and on how much of its memory is in use.
 */
export function measurePageCost(folder: string, bytes = 2 ** 30): PageCost {
  const path = join(folder, `page-cost-${process.pid}`);
  const once = (): number => {
    const before = process.cpuUsage();
    const file = openSync(path, 'w');
    try {
      for (let written = 0; written < bytes; written += chunk.length) writeSync(file, chunk);
      return (1000 * process.cpuUsage(before).system) / bytes;
    } finally {
      closeSync(file);
      rmSync(path, { force: true });
    }
  };
  return { unused: once(), recycled: once() };
}
