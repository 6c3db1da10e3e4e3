// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { makeWallTimes } from './wall-times.js';

test('a task fits the grace period if the slowest of its kind would', (t) => {
  const times = makeWallTimes();
  t.true(times.fits('stereo', 0, 0), 'unknown');
  for (const ms of [10_000, 60_000, 20_000]) times.add('stereo', ms);
  t.false(times.fits('stereo', 10_000, 25_000));
  t.true(times.fits('stereo', 35_000, 25_000));
  t.true(times.fits('stereo', 90_000, 0), 'overdue');
  t.true(times.fits('align', 0, 0));
  for (let i = 0; i < 16; i++) times.add('stereo', 1_000);
  t.true(times.fits('stereo', 0, 1_000), 'what is long ago is forgotten');
});
