// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { conesFolder, scoreCones } from './stereo-gt.js';

test('Cones is matched better than promised, with the defaults of the product', (t) => {
  const folder = conesFolder();
  if (folder === null) {
    t.log('SKIPPED: the data folder is missing; set ALTIPLANO_DATA');
    t.pass();
    return;
  }
  const result = scoreCones(folder, 1);
  t.log(result.filtered);
  t.true(result.met);
  t.true(result.filtered.bad1Percent < 3.5);
  t.true(result.filtered.meanErrorPx < 0.37);
});
