// SPDX-License-Identifier: Apache-2.0
// What figures of runs of two sizes say about large ones.

/** One run: megapixels of reference image, and the CPU seconds of all its processes. */
export interface RunCost { readonly mpx: number; readonly cpuSeconds: number }

export interface SteadyState {
  /** Mpx per core-second of what one more megapixel costs: the constant part taken out. */
  readonly marginalMpxPerCoreSecond: number;
  /** CPU seconds a scene of no size would cost: starting programs, planning, the smallest tasks. */
  readonly startupCpuSeconds: number;
  /** Of the large run. */
  readonly startupShare: number;
}

/** The line through two runs, CPU seconds = start-up + Mpx / marginal rate; null where they don't make one (the same size, or noise ate the difference). */
export function steadyState(small: RunCost, large: RunCost): SteadyState | null {
  const marginal = (large.mpx - small.mpx) / (large.cpuSeconds - small.cpuSeconds);
  if (!(large.mpx > small.mpx && marginal > 0)) return null;
  const startup = large.cpuSeconds - large.mpx / marginal;
  return { marginalMpxPerCoreSecond: marginal, startupCpuSeconds: startup, startupShare: startup / large.cpuSeconds };
}

/** Megapixels of reference image in a million square kilometres seen by one pair: 1e12 m2 / (gsd m)2 / 1e6. */
export const mpxPerMillionKm2 = (gsdM: number): number => 1e6 / gsdM ** 2;

/** Core-hours for a million square kilometres: Mpx / (Mpx per core-second) / 3600. */
export const coreHoursPerMillionKm2 = (mpxPerCoreSecond: number, gsdM: number): number => mpxPerMillionKm2(gsdM) / mpxPerCoreSecond / 3600;
