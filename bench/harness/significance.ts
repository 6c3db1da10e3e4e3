// SPDX-License-Identifier: Apache-2.0
import { hash01 } from '../scenes/random.js';
import { medianOf, quantileOf } from './statistics.js';

/** Exact below this many pairs of samples; above, the normal approximation is good to a few per cent of p. */
const exactPairs = 400;

/**
 * Two-sided p of the Mann-Whitney test: how probable a difference in rank like that of a and b, or a larger one, is where both come from one distribution,
 * whatever that is. Exact for small samples without ties, else by the normal approximation with ties and continuity corrected. 1 of an empty sample.
 * Source: Mann and Whitney, Ann. Math. Stat. 18 (1947).
 */
export function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const m = a.length, n = b.length;
  if (m === 0 || n === 0) return 1;
  let u = 0;
  for (const x of a) for (const y of b) u += x > y ? 1 : x === y ? 0.5 : 0;
  const ties = tieSizes([...a, ...b]);
  if (ties.every((size) => size === 1) && m * n <= exactPairs) return exactP(Math.min(u, m * n - u), m, n);
  const total = m + n;
  const variance = ((m * n) / 12) * (total + 1 - ties.reduce((sum, t) => sum + t ** 3 - t, 0) / (total * (total - 1)));
  if (variance <= 0) return 1; // all values are equal
  const z = Math.max(0, Math.abs(u - (m * n) / 2) - 0.5) / Math.sqrt(variance);
  return Math.min(1, 2 * upperNormal(z));
}

/** The smallest p that m and n samples can reach, all of one side above the other: 2 / (m + n choose m). */
export function leastP(m: number, n: number): number {
  let orders = 1;
  for (let i = 1; i <= m; i++) orders *= (n + i) / i;
  return Math.min(1, 2 / orders);
}

function tieSizes(values: readonly number[]): number[] {
  const sizes = new Map<number, number>();
  for (const value of values) sizes.set(value, (sizes.get(value) ?? 0) + 1);
  return [...sizes.values()];
}

/** 2 P(U <= u): the number of orders of m and n samples with each U, by the recurrence over which sample is the largest. */
function exactP(u: number, m: number, n: number): number {
  // counts[j][k]: orders of i samples of one kind and j of the other with U = k, i growing.
  let counts = Array.from({ length: n + 1 }, () => [1]);
  for (let i = 1; i <= m; i++) {
    const next: number[][] = [[1]];
    for (let j = 1; j <= n; j++) {
      const fromThis = counts[j] ?? [], fromOther = next[j - 1] ?? [];
      next.push(Array.from({ length: i * j + 1 }, (_, k) => (fromThis[k - j] ?? 0) + (fromOther[k] ?? 0)));
    }
    counts = next;
  }
  const orders = counts[n] ?? [];
  const sum = (list: readonly number[]): number => list.reduce((total, count) => total + count, 0);
  return Math.min(1, (2 * sum(orders.slice(0, u + 1))) / sum(orders));
}

/** P(Z > z) of the standard normal, z >= 0; relative error below 1e-9. Source: Abramowitz and Stegun, 26.2.11 near 0 and the continued fraction 26.2.14 far out. */
export function upperNormal(z: number): number {
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z < 2.5) {
    let term = z, sum = z;
    for (let k = 1; k < 60; k++) {
      term *= (z * z) / (2 * k + 1);
      sum += term;
    }
    return 0.5 - density * sum;
  }
  let fraction = z;
  for (let k = 60; k > 0; k--) fraction = z + k / fraction;
  return density / fraction;
}

const resamples = 2000;

/** 95 % percentile bootstrap interval of median(b) / median(a), with a fixed seed. Source: Efron, Ann. Stat. 7 (1979). */
export function bootstrapRatio(a: readonly number[], b: readonly number[]): [number, number] {
  const draw = (values: readonly number[], round: number, stream: number): number =>
    medianOf(values.map((_, i) => values[Math.floor(hash01(round, i, stream) * values.length)] ?? NaN));
  const ratios = Array.from({ length: resamples }, (_, round) => draw(b, round, 2) / draw(a, round, 1));
  return [quantileOf(ratios, 0.025), quantileOf(ratios, 0.975)];
}
