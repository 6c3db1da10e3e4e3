// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** CPU seconds of this process so far, user and system, all threads. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

let ticksPerSecond = 0;

/** CPU seconds of another process so far; NaN where the system has no /proc. */
export function cpuSecondsOf(pid: number): number {
  try {
    ticksPerSecond ||= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
    // Behind the command's name, which may hold anything but ends at the last ')': state is field 3, user and system time 14 and 15.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1)?.trim().split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return NaN;
  }
}

/** Resident bytes of another process; NaN where the system has no /proc. */
export function rssBytesOf(pid: number): number {
  try {
    return 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return NaN;
  }
}

/** Ends this process when the one that forked it is gone, however that ended. */
export function whenParentEnds(): void {
  process.on('disconnect', () => { process.exit(0); });
}
