// SPDX-License-Identifier: Apache-2.0

/**
 * The quantile of ascending values, linear between the two nearest (type 7 of Hyndman and Fan 1996, as numpy does); NaN of none.
 */
export function quantile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return NaN;
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const low = sorted[below] ?? NaN;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? NaN;
  return low + (at - below) * (high - low);
}

/** Height differences in the field's terms, metres. NaN when there are none. */
export interface DifferenceStatistics {
  readonly mean: number;
  readonly median: number;
  /** Median of |d|. */
  readonly medianAbs: number;
  /** 1.4826 x median |d - median|: the standard deviation, were the differences normal, whatever the outliers (Hoehle and Hoehle 2009). */
  readonly nmad: number;
  readonly rmse: number;
  /** 90th, 95th and 99th percentile of |d|. */
  readonly le90: number;
  readonly p95: number;
  readonly p99: number;
}

/** Exact statistics of differences, by sorting; sums run in the order given. */
export function differenceStatistics(differences: Float64Array): DifferenceStatistics {
  const n = differences.length;
  let sum = 0, squares = 0;
  for (const d of differences) { sum += d; squares += d * d; }
  const median = quantile(differences.slice().sort(), 0.5);
  const absolute = differences.map(Math.abs).sort();
  return {
    mean: sum / n, median,
    medianAbs: quantile(absolute, 0.5),
    nmad: 1.4826 * quantile(differences.map((d) => Math.abs(d - median)).sort(), 0.5),
    rmse: Math.sqrt(squares / n),
    le90: quantile(absolute, 0.9),
    p95: quantile(absolute, 0.95),
    p99: quantile(absolute, 0.99),
  };
}
