// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { type FaultKind, faultKinds, isFaultKind, scheduleOf } from './schedule.js';
import { parseSeeds, quickSeeds } from './seeds.js';

const kinds = Object.keys(faultKinds).filter(isFaultKind);
const many = Array.from({ length: 400 }, (_, seed) => scheduleOf(seed));

test('a seed always stands for the same faults, and its neighbour for others', (t) => {
  t.deepEqual(scheduleOf(7), scheduleOf(7));
  t.is(new Set(many.map(({ faults }) => JSON.stringify(faults))).size, many.length);
});

test('a run has two to five faults in the order of their moments; poison comes alone', (t) => {
  for (const { faults } of many) {
    const isPoison = faults.some(({ kind }) => kind === 'poison');
    t.true(isPoison ? faults.length === 1 : faults.length >= 2 && faults.length <= 5);
    t.deepEqual(faults.map(({ progress }) => progress), faults.map(({ progress }) => progress).sort((a, b) => a - b));
  }
});

test('every kind comes up, and faults of the store only where it is a bucket', (t) => {
  const counts = new Map<FaultKind, number>();
  for (const { store, faults } of many) {
    for (const { kind } of faults) {
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      t.true(store === 's3' || !kind.startsWith('store-'), kind);
    }
  }
  for (const kind of kinds) t.true((counts.get(kind) ?? 0) >= 10, `${kind}: ${counts.get(kind) ?? 0} of ${many.length} runs`);
});

test('clocks jump by hours, but in a bucket by less than S3 forgives', (t) => {
  const jumps = many.flatMap(({ store, faults }) => faults.filter(({ kind }) => kind === 'clock-jump').map(({ jumpMinutes }) => ({ store, minutes: Math.abs(jumpMinutes) })));
  t.true(jumps.some(({ minutes }) => minutes > 300));
  for (const { store, minutes } of jumps) t.true(minutes <= (store === 's3' ? 15 : 600));
});

test('only kinds that were asked for are drawn', (t) => {
  for (let seed = 0; seed < 50; seed += 1) {
    for (const among of [['bus-wipe'], ['poison'], ['store-cuts', 'agent-kill']] as const) {
      const { faults } = scheduleOf(seed, among);
      t.true(faults.length > 0 && faults.every(({ kind }) => among.some((one) => one === kind)), `${seed} of ${among.join()}`);
    }
  }
});

test('the quick set has every kind', (t) => {
  const drawn = new Set(parseSeeds(quickSeeds).flatMap((seed) => scheduleOf(seed).faults.map(({ kind }) => kind)));
  t.deepEqual(kinds.filter((kind) => !drawn.has(kind)), []);
});

test('seeds are given as ranges and lists', (t) => {
  t.deepEqual(parseSeeds('3'), [3]);
  t.deepEqual(parseSeeds('1-3,9'), [1, 2, 3, 9]);
  for (const text of ['', 'x', '3-1', '1-2-3', '-4']) t.throws(() => parseSeeds(text), { message: /Expected seeds as in/ }, text);
});
