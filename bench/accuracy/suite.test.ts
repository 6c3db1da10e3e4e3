// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { commonOptions, parseOptions, UsageError } from '../harness/options.js';
import { findingsSchema } from '../harness/report.js';
import { suite } from './suite.js';

const context = (only: string) => ({
  options: parseOptions([], { ...suite.options, ...commonOptions }).options, quick: true, only, progress: { say: () => {}, step: () => {}, end: () => {} },
});

test('a part is run by its name, and only that', async (t) => {
  const { tables, measurements, checks } = findingsSchema.parse(await suite.run(context('sub-pixel')));
  t.deepEqual(tables.map(({ rows }) => rows.map(([name]) => name)), [['sub-pixel slanted plane']]);
  t.deepEqual([...new Set(measurements.map(({ labels }) => labels['scene']))], ['sub-pixel slanted plane']);
  t.true(measurements.every(({ exact }) => exact));
  t.deepEqual(checks.map(({ holds }) => holds), [true]);
});

test('a name that nothing has is refused with the names there are', async (t) => {
  await t.throwsAsync(async () => suite.run(context('villages')), { instanceOf: UsageError, message: /villages.*towns 0\.5.*cones/s });
});
