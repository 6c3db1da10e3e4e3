// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { flatPlan } from './flat-plan.js';

test('a flat plan has about as many tiles at full resolution as were asked for, each of its one pair', (t) => {
  for (const tiles of [100, 1000, 10_000]) {
    const { levels, pairs } = flatPlan('flat', tiles);
    const { factor, tileRuns } = levels.at(-1) ?? { factor: 0, tileRuns: [] };
    const planned = tileRuns.reduce((sum, { count }) => sum + count, 0);
    t.is(factor, 1);
    t.is(pairs.length, 1);
    t.true(tileRuns.every((run) => run.pairs.length === 1));
    t.true(Math.abs(planned / tiles - 1) <= 0.1, `${planned} of ${tiles}`);
  }
});

test('a plan of ten times the tiles is no plan of ten times the bytes', (t) => {
  const bytes = (tiles: number): number => JSON.stringify(flatPlan('flat', tiles)).length;
  t.true(bytes(20_000) < 4 * bytes(2_000), `${bytes(2_000)}, ${bytes(20_000)}`);
});
