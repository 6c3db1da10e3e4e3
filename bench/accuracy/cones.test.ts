// SPDX-License-Identifier: Apache-2.0
import { dataPath } from '@altiplano/kernels/testing';
import test from 'ava';
import { scoreCones } from './cones.js';

test('Cones is matched better than promised, with the defaults of the product', (t) => {
  const folder = dataPath(t.log, 'stereo_gt');
  if (folder === null) return t.pass();
  const result = scoreCones(folder, 1);
  t.log(result.filtered);
  t.true(result.met);
  t.true(result.filtered.bad1Percent < 3.5);
  t.true(result.filtered.meanErrorPx < 0.37);
});
