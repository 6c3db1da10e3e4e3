// SPDX-License-Identifier: Apache-2.0
import { medianOf } from '../harness/statistics.js';
import type { Machine } from '../harness/report.js';
import { best, cacheBytes, type Limits, type MemoryLevel } from './limits.js';
import type { KernelTimes } from './measure.js';
import { footprintBytes, models } from './models.js';

/** What a kernel's median time means, of all its threads together. */
export interface Rates {
  /** CPU seconds of one call. */
  readonly seconds: number;
  readonly pixelsPerSecond: number;
  /** null where no disparities are evaluated. */
  readonly evaluationsPerSecond: number | null;
  readonly bytesPerSecond: number;
  /** Lane bytes; null where the model has no arithmetic. */
  readonly operationsPerSecond: number | null;
  /** Of the best triad bandwidth of the memory that its arrays live in. */
  readonly memoryShare: number;
  readonly memory: MemoryLevel;
  /** Of the best arithmetic throughput of its kind; null where the model has no arithmetic. */
  readonly computeShare: number | null;
  /** The larger share's limit; 'neither' below a quarter of both: latency, branches, or more work than the model counts. */
  readonly binds: 'compute' | 'memory' | 'neither';
}

const bindsFrom = 0.25;

/** Rates of all threads together, from CPU time: what they would do with a core each, with the others' traffic. */
export function ratesOf({ kernel, case: c, cpu, threads, target }: KernelTimes, limits: Limits, machine: Machine): Rates {
  const model = models[kernel];
  if (model === undefined) throw new Error(`kernels: no model of ${kernel} in bench/kernels/models.ts`);
  const seconds = medianOf(cpu), perSecond = threads / seconds;
  const footprint = footprintBytes(kernel, c) * threads;
  const memory = footprint <= cacheBytes(machine, 'L2') * threads ? 'L2' : footprint <= cacheBytes(machine, 'L3') ? 'L3' : 'memory';
  const bytesPerSecond = model.bytes(c) * perSecond;
  const operationsPerSecond = model.arithmetic === null ? null : model.operations(c) * perSecond;
  const memoryShare = bytesPerSecond / best(limits.bandwidth(memory, 'triad', threads));
  const computeShare = model.arithmetic === null || operationsPerSecond === null ? null : operationsPerSecond / best(limits.arithmetic(model.arithmetic, target, threads));
  const largest = Math.max(memoryShare, computeShare ?? 0);
  return {
    seconds, memory, bytesPerSecond, operationsPerSecond, memoryShare, computeShare,
    pixelsPerSecond: c.size * c.size * perSecond,
    evaluationsPerSecond: model.perDisparity ? c.size * c.size * c.range * perSecond : null,
    binds: largest < bindsFrom ? 'neither' : memoryShare > (computeShare ?? 0) ? 'memory' : 'compute',
  };
}
