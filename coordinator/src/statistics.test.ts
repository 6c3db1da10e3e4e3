// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { differenceStatistics, quantile } from './statistics.js';

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
