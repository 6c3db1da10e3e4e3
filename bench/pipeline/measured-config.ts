// SPDX-License-Identifier: Apache-2.0
// All runs of one kind, and the figures that stand for them.
import type { Comparison } from '@altiplano/coordinator';
import { medianOf } from '../harness/statistics.js';
import type { Config } from './configs.js';
import type { RunMeasure } from './measure-run.js';

export interface MeasuredConfig extends Config {
  /** At least one; as many as agents for each repetition where runs are separate. */
  readonly runs: readonly RunMeasure[];
  readonly comparisons: readonly Comparison[];
}

export const medianRun = ({ runs }: MeasuredConfig, of: (run: RunMeasure) => number): number => medianOf(runs.map(of));
export const cpuOf = (measured: MeasuredConfig): number => medianRun(measured, ({ tree }) => tree.cpuSeconds);
export const wallOf = (measured: MeasuredConfig): number => medianRun(measured, ({ wallSeconds }) => wallSeconds);

/** Mpx per second of each repetition: of all its runs together where they are separate. */
export function throughputs({ runs, separate, agents }: MeasuredConfig): number[] {
  const together = separate ? agents : 1;
  const rates = runs.map(({ summary, wallSeconds }) => summary.mpx / wallSeconds);
  return Array.from({ length: rates.length / together }, (_, k) => rates.slice(k * together, (k + 1) * together).reduce((sum, rate) => sum + rate, 0));
}
export const throughputOf = (measured: MeasuredConfig): number => medianOf(throughputs(measured));

/** As many separate runs as these are agents: what their cores give where nothing waits; undefined where there are none. */
export const separateOf = (all: readonly MeasuredConfig[], { size, agents, cores, separate }: MeasuredConfig): MeasuredConfig | undefined =>
  (separate || cores === null ? undefined : all.find((other) => other.separate && other.size === size && other.agents === agents));

/** The run with the median CPU: one whole run, so that its parts add up. */
export function typicalRun({ runs }: MeasuredConfig): RunMeasure {
  const sorted = runs.toSorted((a, b) => a.tree.cpuSeconds - b.tree.cpuSeconds);
  const run = sorted[Math.floor((sorted.length - 1) / 2)];
  if (run === undefined) throw new Error('a kind of run without a run');
  return run;
}
