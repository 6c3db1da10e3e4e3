// SPDX-License-Identifier: Apache-2.0
// Robust statistics of few samples: neighbours on a shared machine make times long-tailed, so means and standard deviations lie.

const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

/** The quantile of values in any order, linear between the two nearest (type 7 of Hyndman and Fan 1996, as numpy does); NaN of none. */
export function quantileOf(values: readonly number[], share: number): number {
  return quantileOfSorted(sorted(values), share);
}

function quantileOfSorted(ascending: readonly number[], share: number): number {
  const at = share * (ascending.length - 1);
  const below = Math.floor(at);
  const low = ascending[below] ?? NaN;
  const high = ascending[Math.min(below + 1, ascending.length - 1)] ?? NaN;
  return low + (at - below) * (high - low);
}

export const medianOf = (values: readonly number[]): number => quantileOf(values, 0.5);

/** 1.4826 x median |x - median|: the standard deviation, were the values normal, whatever the outliers. */
export function madOf(values: readonly number[]): number {
  const median = medianOf(values);
  return 1.4826 * medianOf(values.map((value) => Math.abs(value - median)));
}

export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** Half the interquartile range over the median: '± 3 %' in the tables; 0 of a single value. */
  readonly relative: number;
}

/** Median and quartiles. */
export function spreadOf(values: readonly number[]): Spread {
  const ascending = sorted(values);
  const [low, median, high] = [0.25, 0.5, 0.75].map((share) => quantileOfSorted(ascending, share)) as [number, number, number];
  return { median, low, high, relative: median === 0 ? 0 : (high - low) / 2 / Math.abs(median) };
}
