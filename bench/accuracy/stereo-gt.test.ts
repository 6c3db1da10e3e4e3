// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import test from 'ava';
import { conesFolder, scoreCones } from './stereo-gt.js';

test('Cones is matched better than promised, with the defaults of the product', (t) => {
  const folder = conesFolder();
  if (!existsSync(folder)) {
    t.log(`SKIPPED: no data at ${folder}; set ALTIPLANO_DATA to the data folder`);
    t.pass();
    return;
  }
  const result = scoreCones(folder, 1);
  t.log(result.filtered);
  t.true(result.met);
  t.true(result.filtered.bad1Percent < 3.5);
  t.true(result.filtered.meanErrorPx < 0.37);
});
