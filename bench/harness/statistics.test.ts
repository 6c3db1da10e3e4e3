// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { madOf, medianOf, quantileOf, spreadOf } from './statistics.js';

test('quantiles are those of numpy', (t) => {
  t.is(medianOf([3, 1, 2]), 2);
  t.is(medianOf([4, 1, 2, 3]), 2.5);
  t.is(quantileOf([10, 1, 2, 4], 0.25), 1.75); // numpy.quantile([1, 2, 4, 10], 0.25)
  t.is(quantileOf([10, 1, 2, 4], 1), 10);
  t.true(Number.isNaN(medianOf([])));
});

test('numbers are sorted as numbers and not changed', (t) => {
  const values = [10, 9, 100, 1];
  t.is(medianOf(values), 9.5);
  t.deepEqual(values, [10, 9, 100, 1]);
});

test('the median absolute deviation ignores one wild value', (t) => {
  t.is(madOf([1, 2, 3, 4, 5]), 1.4826);
  t.is(madOf([1, 2, 3, 4, 1e9]), 1.4826);
});

test('spread is half the interquartile range over the median', (t) => {
  t.deepEqual(spreadOf([90, 95, 100, 105, 110]), { median: 100, low: 95, high: 105, relative: 0.05 });
  t.is(spreadOf([7]).relative, 0);
});
