// SPDX-License-Identifier: Apache-2.0
import { type Feed, valuesAtRanks } from './order-statistics.js';

/**
 * The quantile of ascending values, linear between the two nearest (type 7 of Hyndman and Fan 1996, as numpy does); NaN of none.
 */
export function quantile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return NaN;
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  return between(at, sorted[below] ?? NaN, sorted[Math.min(below + 1, sorted.length - 1)] ?? NaN);
}

/** At a rank that isn't whole: between the values of the ranks around it. */
function between(rank: number, low: number, high: number): number {
  return low + (rank - Math.floor(rank)) * (high - low);
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

/** Exact statistics of the differences that aren't NaN, as if by sorting, to the last bit; sums run in the order given. */
export function differenceStatistics(differences: Float64Array): DifferenceStatistics {
  let n = 0, sum = 0, squares = 0;
  for (let i = 0; i < differences.length; i++) {
    const d = differences[i] ?? NaN;
    if (Number.isNaN(d)) continue;
    n++;
    sum += d;
    squares += d * d;
  }
  const [median = NaN] = quantilesOf(numbersOf(differences, null), n, [0.5]);
  const [medianAbs = NaN, le90 = NaN, p95 = NaN, p99 = NaN] = quantilesOf(numbersOf(differences, 0), n, [0.5, 0.9, 0.95, 0.99]);
  const [deviation = NaN] = quantilesOf(numbersOf(differences, median), n, [0.5]);
  return { mean: sum / n, median, medianAbs, nmad: 1.4826 * deviation, rmse: Math.sqrt(squares / n), le90, p95, p99 };
}

/** `quantile` of so many values that aren't sorted. */
function quantilesOf(feed: Feed, count: number, shares: readonly number[]): number[] {
  if (count === 0) return shares.map(() => NaN);
  const ranks = shares.flatMap((share) => {
    const below = Math.floor(share * (count - 1));
    return [below, Math.min(below + 1, count - 1)];
  });
  const values = valuesAtRanks(feed, count, ranks);
  return shares.map((share, i) => between(share * (count - 1), values[2 * i] ?? NaN, values[2 * i + 1] ?? NaN));
}

const chunkLength = 4096;

/** The values that aren't NaN, or how far they lie from a centre. */
function numbersOf(values: Float64Array, centre: number | null): Feed {
  return (visit) => {
    const chunk = new Float64Array(chunkLength);
    for (let from = 0; from < values.length; from += chunkLength) {
      const to = Math.min(from + chunkLength, values.length);
      let filled = 0;
      for (let i = from; i < to; i++) {
        const value = values[i] ?? NaN;
        if (!Number.isNaN(value)) chunk[filled++] = centre === null ? value : Math.abs(value - centre);
      }
      visit(chunk.subarray(0, filled));
    }
  };
}
