// SPDX-License-Identifier: Apache-2.0
// Who used how much: CPU, peak memory and bytes of every process below one, from Linux's /proc (proc(5)).
import { readFileSync, readdirSync } from 'node:fs';

/** What one process used, as seen when it was last looked at. */
export interface ProcessUse {
  readonly pid: number;
  /** Its command line, word by word. */
  readonly command: readonly string[];
  readonly cpuSeconds: number;
  /** Largest resident set (VmHWM). */
  readonly peakBytes: number;
  /** Bytes through read and write calls: files, pipes and sockets, the program's own text included. */
  readonly readBytes: number;
  readonly writtenBytes: number;
}

export interface TreeUse {
  /**
   * CPU seconds of all processes that ended and were waited for while watching: the kernel's own sum, so that nothing hides between
   * two looks. Whoever watches must have no other child meanwhile.
   */
  readonly cpuSeconds: number;
  /** In the order they appeared. */
  readonly processes: readonly ProcessUse[];
  /** The most that all processes together held in memory at one look. */
  readonly peakTogetherBytes: number;
}

export interface TreeWatch {
  /** Ends the watch; call it after the root has ended. */
  stop(): TreeUse;
}

export interface ProcessStat { readonly parent: number; readonly cpuSeconds: number; readonly childrenCpuSeconds: number }

/** The kernel counts CPU in USER_HZ, which is 100 on every Linux architecture that Node runs on. */
const ticksPerSecond = 100;

/** Parses /proc/PID/stat. The second field, the name, may hold blanks and parentheses: everything counts from the last ')'. */
export function parseStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number);
  // fields[0] is field 3 of proc(5): parent 4, utime 14, stime 15, cutime 16, cstime 17.
  const [parent = NaN, user = NaN, system = NaN, childUser = NaN, childSystem = NaN] = [1, 11, 12, 13, 14].map((i) => fields[i]);
  return { parent, cpuSeconds: (user + system) / ticksPerSecond, childrenCpuSeconds: (childUser + childSystem) / ticksPerSecond };
}

/** A number behind a name in /proc/PID/status ('VmHWM:   123 kB', in bytes) or /proc/PID/io ('rchar: 123'); 0 where it isn't there. */
export function parseField(text: string, name: string): number {
  const match = new RegExp(`^${name}:\\s*(\\d+)( kB)?`, 'm').exec(text);
  return match === null ? 0 : Number(match[1]) * (match[2] === undefined ? 1 : 1024);
}

/** CPU seconds of this process's children that ended and were waited for, their own waited-for children included. */
export const endedChildrenCpuSeconds = (): number => parseStat(readFileSync('/proc/self/stat', 'utf8')).childrenCpuSeconds;

/**
 * Watches a child of this process and everything it starts, looking every `intervalMs`. Per-process figures miss what a process did
 * after the last look at it; the sum of CPU doesn't.
 */
export function watchTree(root: number, intervalMs = 100): TreeWatch {
  const before = endedChildrenCpuSeconds();
  const members = new Map<number, ProcessUse>();
  let foreign = new Set<number>();
  let peakTogetherBytes = 0;
  const look = (): void => {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
    const strangers = new Set<number>();
    let together = 0;
    // Ascending ids put nearly every parent before its children; who is early is found by the next look.
    for (const pid of pids.sort((a, b) => a - b)) {
      if (foreign.has(pid) && !members.has(pid)) {
        strangers.add(pid);
        continue;
      }
      try {
        const { parent, cpuSeconds } = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
        if (pid !== root && !members.has(parent) && !members.has(pid)) {
          if (!pids.includes(parent) || parent === 1 || foreign.has(parent)) strangers.add(pid);
          continue;
        }
        const use = lookAt(pid, cpuSeconds);
        // A process that has ended but wasn't waited for yet has no memory and no command: what was seen before counts.
        members.set(pid, { ...use, peakBytes: Math.max(use.peakBytes, members.get(pid)?.peakBytes ?? 0), command: use.command.length > 0 ? use.command : members.get(pid)?.command ?? [] });
        together += use.residentBytes;
      } catch {
        // It ended between the listing and the look: what was seen before counts.
      }
    }
    foreign = strangers;
    peakTogetherBytes = Math.max(peakTogetherBytes, together);
  };
  look();
  const timer = setInterval(look, intervalMs);
  return {
    stop() {
      clearInterval(timer);
      return { cpuSeconds: endedChildrenCpuSeconds() - before, processes: [...members.values()], peakTogetherBytes };
    },
  };
}

function lookAt(pid: number, cpuSeconds: number): ProcessUse & { readonly residentBytes: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const io = readFileSync(`/proc/${pid}/io`, 'utf8');
  return {
    pid, cpuSeconds, command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1),
    peakBytes: parseField(status, 'VmHWM'), residentBytes: parseField(status, 'VmRSS'),
    readBytes: parseField(io, 'rchar'), writtenBytes: parseField(io, 'wchar'),
  };
}
