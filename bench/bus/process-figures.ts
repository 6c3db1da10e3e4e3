// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { parseField, parseStat } from '../pipeline/process-tree.js';

/** CPU seconds of this process so far, user and system, all threads. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** CPU seconds of another process so far; NaN where the system has no /proc. */
export function cpuSecondsOf(pid: number): number {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).cpuSeconds;
  } catch {
    return NaN;
  }
}

/** Resident bytes of another process; NaN where the system has no /proc. */
export function rssBytesOf(pid: number): number {
  try {
    return parseField(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmRSS');
  } catch {
    return NaN;
  }
}

/** Ends this process when the one that forked it is gone, however that ended. */
export function whenParentEnds(): void {
  process.on('disconnect', () => { process.exit(0); });
}
