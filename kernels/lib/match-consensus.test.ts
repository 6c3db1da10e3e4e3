// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { consensusShift, type RectMatch, shiftNear } from './match-consensus.js';

const match = (u1: number, v1: number, du: number, dv: number): RectMatch => ({ u1, v1, u2: u1 + du, v2: v1 + dv, score: 0.9 });
const many = (count: number, dv: (i: number) => number): RectMatch[] =>
  Array.from({ length: count }, (_, i) => match((37 * i) % 101, (53 * i) % 97, 4, dv(i)));

test('matches that agree on the row shift are kept, others are not', (t) => {
  const kept = consensusShift([...many(30, (i) => 7 + 0.01 * i), ...many(40, (i) => -20 + i)], 49, 6);
  t.true(kept.length >= 30 && kept.length <= 33);
  t.true(kept.every(({ v1, v2 }) => v2 - v1 >= 5 && v2 - v1 <= 9.01));
});

test('a few far ones among many that agree change nothing', (t) => {
  t.is(consensusShift([...many(155, () => -8), ...many(5, (i) => -6 + 0.4 * i)], 11, 6).length, 156);
});

test('matches all over the searched rows, or too few, don\'t agree', (t) => {
  t.deepEqual(consensusShift(many(100, (i) => -24 + ((i * 0.618) % 1) * 48), 49, 6), []);
  t.deepEqual(consensusShift(many(5, () => 3), 49, 6), []);
  t.deepEqual(consensusShift([], 49, 6), []);
});

test('the shift of a place is that of its neighbours, two wrong ones among five notwithstanding', (t) => {
  const matches = [match(0, 0, 10, 1), match(1, 0, 10, 1), match(0, 1, 10, 1), match(1, 1, 50, 9), match(2, 0, -50, -9), match(100, 100, 30, 1)];
  const { shift, spreadU } = shiftNear(matches);
  t.deepEqual(shift(0, 0), [10, 1]);
  t.deepEqual(shiftNear(matches.slice(5)).shift(0, 0), [30, 1]);
  t.true(spreadU > 0);
});
