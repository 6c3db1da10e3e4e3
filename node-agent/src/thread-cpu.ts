// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';

/** CPU seconds of this thread alone; the kernel's scheduler counts them in nanoseconds. Elsewhere than on Linux: of the process. */
export function threadCpuSeconds(): number {
  if (process.platform === 'linux') return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e9;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
