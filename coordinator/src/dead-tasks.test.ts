// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { deadTaskTexts, isAnyDead, noDeadTasks } from './dead-tasks.js';

test('what dead tasks mean is said for each kind there is', (t) => {
  t.deepEqual(deadTaskTexts(noDeadTasks), []);
  t.deepEqual(deadTaskTexts({ ingest: 0, align: 1, coarse: 2, stereo: 3 }).map((text) => text.split(':')[0]), ['1 align task is dead', '2 coarse tasks are dead', '3 stereo tasks are dead']);
  t.deepEqual([isAnyDead(noDeadTasks), isAnyDead({ ...noDeadTasks, coarse: 1 })], [false, true]);
});
