// SPDX-License-Identifier: Apache-2.0
// A control group of Linux that holds a run's processes, and the files they read and write, to so much memory, as a pod's limit does.
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../harness/options.js';

export interface MemoryGroup {
  /** Words before a program's own that let it, and what it starts, run inside; they replace themselves by it (exec). */
  readonly launcher: readonly string[];
  /** Removes the group; its processes must have ended. */
  close(): Promise<void>;
}

/** Where this process's memory is accounted for, by control groups of version 1 or 2 (cgroups(7)), and how a limit is called there. */
interface Place { readonly folder: string; readonly limitFile: string }

/** Reads /proc/self/cgroup. Version 2 takes its groups at the root, for only there may a group hold processes and groups at once. */
export function memoryPlace(text: string, mount = '/sys/fs/cgroup'): Place {
  const first = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(text);
  if (first !== null) return { folder: join(mount, 'memory', first[1] ?? '/'), limitFile: 'memory.limit_in_bytes' };
  return { folder: mount, limitFile: 'memory.max' };
}

/** Opens a group with a limit of `megabytes` (2^20 bytes). Throws UsageError where this process may not. */
export async function openMemoryGroup(megabytes: number, place?: Place): Promise<MemoryGroup> {
  const { folder, limitFile } = place ?? memoryPlace(await readFile('/proc/self/cgroup', 'utf8'));
  const group = join(folder, `altiplano-bench-${process.pid}`);
  try {
    await mkdir(group, { recursive: true });
    await writeFile(join(group, limitFile), String(megabytes * 2 ** 20), { flag: 'r+' });
  } catch (error) {
    await rmdir(group).catch(() => { /* it was never made */ });
    throw new UsageError(`--memory ${megabytes}: no control group with a limit can be made in ${folder} (${error instanceof Error ? error.message : String(error)}); `
      + 'be root on a machine whose /sys/fs/cgroup may be written, or leave --memory out');
  }
  return {
    launcher: ['sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', group],
    close: () => removeEmpty(group),
  };
}

/** A process that has just ended stays in its group for a moment. */
async function removeEmpty(group: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await rmdir(group);
    } catch (error) {
      if (tries === 50 || !(error instanceof Error && 'code' in error && error.code === 'EBUSY')) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
