// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { type DifferenceStatistics, differenceStatistics, quantile } from './statistics.js';

test('quantiles lie linearly between the two nearest values, as numpy has them', (t) => {
  const values = Float64Array.of(1, 2, 4, 8);
  t.deepEqual([0, 0.25, 0.5, 0.75, 1].map((share) => quantile(values, share)), [1, 1.75, 3, 5, 8]);
  t.is(quantile(new Float64Array(0), 0.5), NaN);
});

test('statistics of five differences, worked out by hand', (t) => {
  const s = differenceStatistics(Float64Array.of(0.2, -0.1, 0, 0.1, 9));
  t.true(Math.abs(s.mean - 1.84) < 1e-12);
  t.is(s.median, 0.1);
  t.is(s.medianAbs, 0.1);
  t.true(Math.abs(s.nmad - 1.4826 * 0.1) < 1e-12);
  t.true(Math.abs(s.rmse - Math.sqrt((0.04 + 0.01 + 0.01 + 81) / 5)) < 1e-12);
  t.true(Math.abs(s.le90 - (0.2 + 0.6 * 8.8)) < 1e-12);
  t.true(Math.abs(s.p99 - (0.2 + 0.96 * 8.8)) < 1e-12);
});

/** The same by sorting. */
function sortedStatistics(differences: Float64Array): DifferenceStatistics {
  const numbers = differences.filter((d) => !Number.isNaN(d));
  const median = quantile(numbers.toSorted(), 0.5), absolute = numbers.map(Math.abs).sort();
  let sum = 0, squares = 0;
  for (const d of numbers) { sum += d; squares += d * d; }
  return {
    mean: sum / numbers.length, median, medianAbs: quantile(absolute, 0.5), nmad: 1.4826 * quantile(numbers.map((d) => Math.abs(d - median)).sort(), 0.5),
    rmse: Math.sqrt(squares / numbers.length), le90: quantile(absolute, 0.9), p95: quantile(absolute, 0.95), p99: quantile(absolute, 0.99),
  };
}

test('statistics are those of the sorted numbers, to the bit; NaN are left out', (t) => {
  const difference = fc.oneof(fc.double({ min: -50, max: 50 }), fc.integer({ min: -3, max: 3 }).map((steps) => steps / 1024), fc.constant(NaN), fc.constant(-0));
  fc.assert(fc.property(fc.array(difference), (values) => {
    const differences = Float64Array.from(values);
    t.deepEqual(differenceStatistics(differences), sortedStatistics(differences));
  }));
});

test('statistics of many differences, most of them alike, are those of the sorted ones', (t) => {
  // More than are sorted at once share all 64 bits, or the first 21, or 42.
  const alike = [0.25, -0.25, 1 + 2 ** -12, 1 + 2 ** -40, 1 + 2 ** -52, -0, 0, NaN];
  const differences = Float64Array.from({ length: 100_000 }, (_, i) => (i % 3 === 0 ? Math.sin(i) : i % 3 === 1 ? 1 + (i % 9973) * 2 ** -52 : (alike[i % alike.length] ?? NaN)));
  t.deepEqual(differenceStatistics(differences), sortedStatistics(differences));
  t.deepEqual(differenceStatistics(new Float64Array(20_000).fill(0.5)), sortedStatistics(new Float64Array(20_000).fill(0.5)));
});

test('statistics of no difference are NaN', (t) => {
  for (const none of [new Float64Array(0), Float64Array.of(NaN, NaN)]) t.true(Object.values(differenceStatistics(none)).every(Number.isNaN));
});
