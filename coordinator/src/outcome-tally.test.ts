// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import type { TaskOutcome } from '@altiplano/protocol';
import { openTally } from './outcome-tally.js';

const outcome = (number: number, state: TaskOutcome['state'] = 'done'): TaskOutcome => ({
  v: 1, sceneId: 'scene', taskId: `stereo-${String(number).padStart(5, '0')}`, kind: 'stereo', state, taskHash: 'hash', round: 0, attempts: 1, agent: 'agent',
  startedAt: '2026-01-01T00:00:00Z', wallSeconds: 3, cpuSeconds: 4, stages: { read: 1, match: 3 }, metrics: { matchedPixels: 10, rangeClipped: 1 },
});

test('of more outcomes than are kept the first are, whatever order they come in: dead ones before all others', (t) => {
  // 7919 has no divisor in common with 9000, so that every number comes once.
  const mixed = Array.from({ length: 9000 }, (_, k) => (k * 7919) % 9000);
  for (const numbers of [mixed, mixed.toSorted((a, b) => a - b), mixed.toSorted((a, b) => b - a)]) {
    const tally = openTally();
    for (const number of numbers) tally.add(outcome(number, number >= 8990 ? 'dead' : 'done'));
    const { stereoTasks, stereo, dead, clipped } = tally.tally();
    const ids = Array.from({ length: 2000 }, (_, k) => outcome(k < 10 ? 8990 + k : k - 10).taskId);
    t.is(stereoTasks, 9000);
    t.deepEqual(stereo.map(({ taskId }) => taskId), ids);
    t.is(dead.count, 10);
    t.deepEqual([clipped.count, clipped.first.length, clipped.first[1999]], [9000, 2000, outcome(1999).taskId]);
  }
});

test("a task's core seconds are shared out by the seconds of its stages", (t) => {
  const tally = openTally();
  for (const number of [1, 2]) tally.add(outcome(number));
  t.deepEqual(tally.tally().stages, { ingest: 0, align: 0, coarse: 0, stereo: 8, 'stereo.read': 2, 'stereo.match': 6 });
});
