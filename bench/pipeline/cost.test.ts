// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { coreHoursPerMillionKm2, mpxPerMillionKm2, steadyState } from './cost.js';

test('a million square kilometres at 0.5 m are 4 million megapixels, 556 core-hours at 2 Mpx per core-second', (t) => {
  t.is(mpxPerMillionKm2(0.5), 4e6);
  t.true(Math.abs(coreHoursPerMillionKm2(2, 0.5) - 5000 / 9) < 1e-9);
  t.is(coreHoursPerMillionKm2(2, 1), coreHoursPerMillionKm2(2, 0.5) / 4);
});

test('two runs on a line give its slope and its start', (t) => {
  const found = steadyState({ mpx: 4, cpuSeconds: 3 + 4 / 2 }, { mpx: 16, cpuSeconds: 3 + 16 / 2 });
  t.deepEqual(found, { marginalMpxPerCoreSecond: 2, startupCpuSeconds: 3, startupShare: 3 / 11 });
});

test('runs of one size, and a larger run that cost less, say nothing', (t) => {
  t.is(steadyState({ mpx: 4, cpuSeconds: 3 }, { mpx: 4, cpuSeconds: 4 }), null);
  t.is(steadyState({ mpx: 4, cpuSeconds: 5 }, { mpx: 8, cpuSeconds: 4 }), null);
});
