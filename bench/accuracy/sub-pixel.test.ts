// SPDX-License-Identifier: Apache-2.0
import { filterDisparity, matchPair } from '@altiplano/kernels';
import test from 'ava';
import { quantileOf } from '../harness/statistics.js';
import { syntheticPair } from './synthetic-pair.js';

test('disparities of a slanted plane are good to a few hundredths of a pixel and leave no staircase', (t) => {
  const width = 150, height = 110;
  const { ref, sec, truth, range } = syntheticPair({ width, height, disparityAt: (u, v) => 0.04 * u + 0.02 * v - 3.7 });
  const { disparity } = filterDisparity(matchPair(ref, sec, range));
  const errors: number[] = [];
  let whole = 0, wholeTruth = 0;
  for (let v = 8; v < height - 8; v++) {
    for (let u = 8; u < width - 8; u++) {
      const d = disparity[v * width + u] ?? NaN, expected = truth[v * width + u] ?? NaN;
      if (Number.isNaN(d)) continue;
      errors.push(Math.abs(d - expected));
      if (Math.abs(d - Math.round(d)) < 0.1) whole++;
      if (Math.abs(expected - Math.round(expected)) < 0.1) wholeTruth++;
    }
  }
  t.true(errors.length > 0.98 * (width - 16) * (height - 16));
  t.true(quantileOf(errors, 0.5) < 0.04, `median ${quantileOf(errors, 0.5)}`);
  t.true(quantileOf(errors, 0.99) < 0.15, `99th percentile ${quantileOf(errors, 0.99)}`);
  t.true(Math.abs(whole / wholeTruth - 1) < 0.1, `${whole} whole pixels where the truth has ${wholeTruth}`);
});
