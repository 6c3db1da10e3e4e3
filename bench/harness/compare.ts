// SPDX-License-Identifier: Apache-2.0
import { type BenchReport, type Measurement, measurementKey } from './report.js';
import { bootstrapRatio, leastP, mannWhitney } from './significance.js';
import { medianOf, quantileOf } from './statistics.js';

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
  /** Measurements that only one of the sides has. */
  readonly onlyBefore: readonly string[];
  readonly onlyAfter: readonly string[];
  /** What 95 % of the timed measurements stay below, from one run of a program to its next, share of the value; null: there are no two runs of either. */
  readonly runNoise: number | null;
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
 * What changed from one side to the other beyond noise; each side is one run or several of the same program. A timed measurement changed where a two-sided
 * Mann-Whitney test rejects chance, corrected for the number of measurements compared so that at most a share `falseAlarms` of the changes is false, and of
 * pairs of reports of pure noise at most that share holds any; and where the ratio of medians exceeds the threshold. Where there are so few samples that not
 * even complete separation could be told from chance among so many measurements, nothing is claimed ('unknown'). Exact values changed where they differ by
 * half a per cent, and moved where they differ at all.
 *
 * Within one run samples share neighbours, clock and memory layout, so two runs differ by more than their samples tell: that is what the threshold is for.
 * Where a side has several runs it is known by how much, and changes that aren't larger don't count.
 * Sources: Mann and Whitney 1947; Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995).
 */
export function compareReports(before: readonly BenchReport[], after: readonly BenchReport[], options: CompareOptions = compareDefaults): ReportComparison {
  const old = pooled(before), now = pooled(after);
  const shared = [...old].flatMap(([key, a]) => {
    const b = now.get(key);
    return b === undefined ? [] : [{ key, a, b }];
  });
  const timed = shared.filter(({ a, b }) => !(a.exact && b.exact)).length;
  const canTell = (a: Measurement, b: Measurement): boolean => !(a.exact && b.exact) && leastP(a.samples.length, b.samples.length) <= options.falseAlarms / timed;
  const tested = shared.map(({ a, b }) => (canTell(a, b) ? mannWhitney(a.samples, b.samples) : null));
  const significant = rejected(tested, options.falseAlarms);
  const runNoise = noiseBetweenRuns([before, after]);
  const threshold = Math.max(options.threshold, runNoise ?? 0);
  const changes = shared.map(({ key, a, b }, i) => changeOf(key, a, b, tested[i] ?? null, significant[i] === true, threshold));
  return {
    changes, runNoise,
    onlyBefore: [...old.keys()].filter((key) => !now.has(key)),
    onlyAfter: [...now.keys()].filter((key) => !old.has(key)),
    warnings: [...warningsOf([...before, ...after]), ...machineWarnings(changes, runNoise)],
  };
}

/** The measurements of runs of one program, with the samples of all of them. */
function pooled(reports: readonly BenchReport[]): Map<string, Measurement> {
  const all = new Map<string, Measurement>();
  for (const m of reports.flatMap(({ measurements }) => measurements)) {
    const key = measurementKey(m), before = all.get(key);
    all.set(key, before === undefined ? m : { ...before, samples: [...before.samples, ...m.samples] });
  }
  return all;
}

/** How far runs of one program lie apart, as ReportComparison says. */
function noiseBetweenRuns(sides: readonly (readonly BenchReport[])[]): number | null {
  const apart = sides.flatMap((reports) => {
    const medians = new Map<string, number[]>();
    for (const m of reports.flatMap(({ measurements }) => measurements)) {
      if (!m.exact) medians.set(measurementKey(m), [...medians.get(measurementKey(m)) ?? [], medianOf(m.samples)]);
    }
    return [...medians.values()].filter((values) => values.length > 1 && Math.min(...values) > 0).map((values) => Math.max(...values) / Math.min(...values) - 1);
  });
  return apart.length === 0 ? null : quantileOf(apart, 0.95);
}

function changeOf(key: string, a: Measurement, b: Measurement, p: number | null, significant: boolean, threshold: number): Change {
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

/** Above this share of timed measurements that changed, it was rather the machine than the program. */
const suspiciousShare = 0.25;

/** What tells that it was the machine that changed, and not the program. */
function machineWarnings(changes: readonly Change[], runNoise: number | null): string[] {
  const moved = changes.filter(({ p, verdict }) => p !== null && (verdict === 'better' || verdict === 'worse')), timed = changes.filter(({ p }) => p !== null);
  const limits = moved.filter(({ key }) => key.startsWith('limit: '));
  const advice = runNoise === null ? '; run both programs again, in turns, and compare all four: compare A1 B1 A2 B2' : '';
  return [
    ...(limits.length === 0 ? [] : [`limits of the machine itself changed (${limits.map(({ key }) => key.slice('limit: '.length)).join('; ')})${advice}`]),
    ...(moved.length <= suspiciousShare * timed.length || moved.length < 3 ? []
      : [`${moved.length} of ${timed.length} timed measurements changed: rather the machine than the program${limits.length === 0 ? advice : ''}`]),
  ];
}

/** Why reports may not be comparable. */
function warningsOf(reports: readonly BenchReport[]): string[] {
  const differing = (what: (report: BenchReport) => string): string | null => {
    const found = [...new Set(reports.map(what))];
    return found.length < 2 ? null : found.join(' and ');
  };
  const said = (words: (found: string) => string, what: (report: BenchReport) => string): string[] => {
    const found = differing(what);
    return found === null ? [] : [words(found)];
  };
  const names = [...new Set(reports.flatMap(({ parameters }) => Object.keys(parameters)))];
  const modified = [...new Set(reports.flatMap(({ commit }) => (commit?.modified === true ? [commit.hash.slice(0, 10)] : [])))];
  return [
    ...said((found) => `the suites differ: ${found}`, ({ suite }) => suite),
    ...(['cpu', 'cores', 'arch', 'os'] as const).flatMap((field) =>
      said((found) => `the machines differ: ${field} ${found}; times of different machines say nothing about the program`, ({ machine }) => String(machine[field]))),
    ...names.flatMap((name) => said((found) => `the options differ: --${name} ${found}`, ({ parameters }) => String(parameters[name] ?? '(default)'))),
    ...modified.map((hash) => `a report is of a modified checkout of ${hash}`),
  ];
}
