// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { alignTasks } from './make-tasks.js';
import { planScene } from './plan-scene.js';
import { flatPair, flatPorts, flatRequest } from './testing/flat-world.js';

/** Factors of the align tasks of two square images whose cameras are made for heights of 0 to `heightM`. */
function alignFactors(side: number, heightM: number): number[] {
  const images = flatPair({ width: side, height: side, heights: [0, heightM] });
  const tasks = alignTasks(planScene(flatRequest(), images, flatPorts));
  return [...new Set(tasks.map(({ factor }) => factor))];
}

test('align begins on the least reduced image whose search for all heights is 256 pixels long', (t) => {
  t.deepEqual([100, 900, 1900, 3000].map((heightM) => alignFactors(2048, heightM)), [[4], [4], [8], [16]]);
});

test('align asks for no reduced image that ingest does not make: the smaller side keeps 32 pixels', (t) => {
  t.deepEqual([125, 124, 63, 62].map((side) => alignFactors(side, 100)), [[4], [2], [2], [1]]);
});
