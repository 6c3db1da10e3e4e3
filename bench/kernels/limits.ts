// SPDX-License-Identifier: Apache-2.0
import type { NativeBench } from '@altiplano/kernels/testing';
import type { Machine } from '../harness/report.js';

export const memoryLevels = ['L2', 'L3', 'memory'] as const;
export type MemoryLevel = (typeof memoryLevels)[number];
export const streamKinds = ['read', 'copy', 'triad'] as const;
export type StreamKind = (typeof streamKinds)[number];
export const arithmeticKinds = ['int8', 'int16', 'float'] as const;
export type ArithmeticKind = (typeof arithmeticKinds)[number];

/** What the machine can do, per second, of all threads together. Every value is the best seen: a neighbour can only take from it. */
export interface Limits {
  /** Samples of bytes per second. */
  bandwidth(level: MemoryLevel, kind: StreamKind, threads: number): readonly number[];
  /** Samples of lane bytes operated on per second. */
  arithmetic(kind: ArithmeticKind, target: string, threads: number): readonly number[];
  /** Measures everything once more; called between the kernels, so that limits and kernels meet the same neighbours. */
  measure(): void;
}

export const best = (samples: readonly number[]): number => Math.max(...samples);

/** Cache sizes where the system doesn't tell: small enough to be inside, large enough to be beyond. */
const guessed = { L2: 1 << 20, L3: 32 << 20 } as const;

export const cacheBytes = (machine: Machine, level: 'L2' | 'L3'): number => machine.caches[level] ?? guessed[level];

/** Bytes of all three arrays of one thread: half of a cache, its share of a shared one, or several times the largest. */
function arrayBytes(machine: Machine, level: MemoryLevel, threads: number): number {
  if (level === 'L2') return cacheBytes(machine, 'L2') / 2;
  const share = cacheBytes(machine, 'L3') / threads;
  return level === 'L3' ? Math.max(2 * cacheBytes(machine, 'L2'), share / 2) : Math.max(4 * share, 64 << 20);
}

/** Bytes a stream's repetition moves at least through a cache, so that the clock's own cost doesn't count. */
const streamBytes = 32 << 20;
/** Of ten times as many operations for int8 as for the others. */
const rounds: Readonly<Record<ArithmeticKind, number>> = { int8: 6_000, int16: 60_000, float: 60_000 };

/** Limits of this machine for so many threads and these targets. Nothing is measured yet. */
export function makeLimits(native: NativeBench, machine: Machine, threads: readonly number[], targets: readonly string[]): Limits {
  const samples = new Map<string, number[]>();
  const add = (key: string, amount: number, { cpu }: { readonly cpu: Float64Array }, n: number): void => {
    const list = samples.get(key) ?? [];
    for (let i = 0; i < cpu.length; i += n) list.push(cpu.subarray(i, i + n).reduce((sum, seconds) => sum + amount / seconds, 0));
    samples.set(key, list);
  };
  const of = (key: string): readonly number[] => samples.get(key) ?? [];
  return {
    bandwidth: (level, kind, n) => of(`${level} ${kind} ${n}`),
    arithmetic: (kind, target, n) => of(`${kind} ${target} ${n}`),
    measure() {
      for (const n of threads) {
        for (const level of memoryLevels) {
          const bytes = arrayBytes(machine, level, n), passes = Math.max(1, Math.round(streamBytes / bytes));
          for (const kind of streamKinds) {
            const times = native.timeStream({ kind, bytes, threads: n, repetitions: 3, passes });
            add(`${level} ${kind} ${n}`, times.amount, times, n);
          }
        }
        // Targets beside the best are compared on one thread only.
        for (const target of n === 1 ? targets : targets.slice(0, 1)) {
          for (const kind of arithmeticKinds) {
            const times = native.timeArithmetic({ kind, target, threads: n, repetitions: 3, rounds: rounds[kind] });
            add(`${kind} ${target} ${n}`, times.amount, times, n);
          }
        }
      }
    },
  };
}
