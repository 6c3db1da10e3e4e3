// SPDX-License-Identifier: Apache-2.0
import { type BenchReport, type Measurement, measurementKey } from './report.js';
import { bootstrapRatio, leastP, mannWhitney } from './significance.js';
import { medianOf } from './statistics.js';

export type Verdict =
  /** Beyond noise, and large enough to matter. */
  | 'better' | 'worse'
  /** Exact values that differ, by less than matters: other bytes, no regression. */
  | 'moved'
  /** No difference that the samples could tell from noise, or a smaller one than matters. */
  | 'same'
  /** Too few samples on a side to know noise from change. */
  | 'unknown';

export interface Change {
  readonly key: string;
  readonly unit: string;
  readonly before: number;
  readonly after: number;
  /** after / before, of the medians. */
  readonly ratio: number;
  /** 95 % interval of the ratio; null for exact values and for too few samples. */
  readonly interval: readonly [number, number] | null;
  /** Probability of such a difference, or a larger one, by chance; null likewise. */
  readonly p: number | null;
  readonly verdict: Verdict;
}

export interface ReportComparison {
  readonly changes: readonly Change[];
  /** Measurements that only one of the reports has. */
  readonly onlyBefore: readonly string[];
  readonly onlyAfter: readonly string[];
  /** Why the two may not be comparable: other machine, other options, modified checkouts. */
  readonly warnings: readonly string[];
}

export interface CompareOptions {
  /** Smaller changes don't matter, share of the value. */
  readonly threshold: number;
  /** Which share of the changes reported may be false; how often reports of pure noise may hold any. */
  readonly falseAlarms: number;
}

/** Exact values that differ by less moved but are no worse: half a per cent of a median error is no accuracy lost. */
const exactThreshold = 0.005;

export const compareDefaults: CompareOptions = { threshold: 0.03, falseAlarms: 0.05 };

/**
 * What changed from one report to the other beyond noise. A timed measurement changed where a two-sided Mann-Whitney test rejects chance,
 * corrected for the number of measurements compared so that at most a share `falseAlarms` of the changes is false, and of pairs of reports of pure noise
 * at most that share holds any; and where the medians' ratio exceeds the threshold. Where there are so few samples that not even complete separation could be told from chance
 * among so many measurements, nothing is claimed ('unknown'). Exact values changed where they
 * differ by half a per cent, and moved where they differ at all.
 *
 * Within one run samples share neighbours, clock and memory layout, so two runs differ by more than their samples tell: that
 * is what the threshold is for, and interleaved runs of both are better than either.
 * Sources: Mann and Whitney 1947; Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995).
 */
export function compareReports(before: BenchReport, after: BenchReport, options: CompareOptions = compareDefaults): ReportComparison {
  const old = new Map(before.measurements.map((m) => [measurementKey(m), m]));
  const now = new Map(after.measurements.map((m) => [measurementKey(m), m]));
  const shared = [...old].flatMap(([key, a]) => {
    const b = now.get(key);
    return b === undefined ? [] : [{ key, a, b }];
  });
  const timed = shared.filter(({ a, b }) => !(a.exact && b.exact)).length;
  const canTell = (a: Measurement, b: Measurement): boolean => !(a.exact && b.exact) && leastP(a.samples.length, b.samples.length) <= options.falseAlarms / timed;
  const tested = shared.map(({ a, b }) => (canTell(a, b) ? mannWhitney(a.samples, b.samples) : null));
  const significant = rejected(tested, options.falseAlarms);
  return {
    changes: shared.map(({ key, a, b }, i) => changeOf(key, a, b, tested[i] ?? null, significant[i] === true, options)),
    onlyBefore: [...old.keys()].filter((key) => !now.has(key)),
    onlyAfter: [...now.keys()].filter((key) => !old.has(key)),
    warnings: warningsOf(before, after),
  };
}

function changeOf(key: string, a: Measurement, b: Measurement, p: number | null, significant: boolean, { threshold }: CompareOptions): Change {
  const before = medianOf(a.samples), after = medianOf(b.samples);
  const ratio = before === after ? 1 : after / before;
  const direction: Verdict = (after > before) === (b.better === 'higher') ? 'better' : 'worse';
  const change = { key, unit: b.unit, before, after, ratio, interval: null, p };
  if (a.exact && b.exact) {
    const isEqual = Math.abs(after - before) <= 1e-9 * Math.max(Math.abs(before), Math.abs(after));
    return { ...change, verdict: isEqual ? 'same' : Math.abs(Math.log(ratio)) > Math.log1p(exactThreshold) ? direction : 'moved' };
  }
  if (p === null) return { ...change, verdict: 'unknown' };
  return {
    ...change, interval: bootstrapRatio(a.samples, b.samples),
    verdict: significant && Math.abs(Math.log(ratio)) > Math.log1p(threshold) ? direction : 'same',
  };
}

/**
 * Which of the tests reject chance, so that of those that do a share of at most `level` is false (Benjamini and Hochberg 1995); where nothing
 * changed at all, the probability of a single false one is at most `level`.
 */
export function rejected(ps: readonly (number | null)[], level: number): boolean[] {
  const ascending = ps.filter((p) => p !== null).sort((x, y) => x - y);
  const largest = ascending.findLast((p, rank) => p <= (level * (rank + 1)) / ascending.length) ?? -1;
  return ps.map((p) => p !== null && p <= largest);
}

function warningsOf(before: BenchReport, after: BenchReport): string[] {
  const warnings: string[] = [];
  if (before.suite !== after.suite) warnings.push(`the suites differ: ${before.suite} and ${after.suite}`);
  for (const field of ['cpu', 'cores', 'arch', 'os'] as const) {
    const [was, is] = [String(before.machine[field]), String(after.machine[field])];
    if (was !== is) warnings.push(`the machines differ: ${field} ${was} and ${is}; times of different machines say nothing about the program`);
  }
  const names = new Set([...Object.keys(before.parameters), ...Object.keys(after.parameters)]);
  for (const name of names) {
    const was = before.parameters[name] ?? '(default)', is = after.parameters[name] ?? '(default)';
    if (was !== is) warnings.push(`the options differ: --${name} ${String(was)} and ${String(is)}`);
  }
  for (const [name, report] of [['first', before], ['second', after]] as const) {
    if (report.commit?.modified === true) warnings.push(`the ${name} report is of a modified checkout of ${report.commit.hash.slice(0, 10)}`);
  }
  return warnings;
}
