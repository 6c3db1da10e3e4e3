// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { fillBounds, localBounds, reduceBounds } from './height-bounds.js';

const options = { radius: 1, stepRadius: 0, toleranceM: 1, support: 3 };
/** A row of cells whose low and high are the same, filled. */
function filledRow(row: readonly number[], maxDoublings: number): { low: Float32Array; high: Float32Array } {
  const bounds = { width: row.length, height: 1, low: surface([row]), high: surface([row]) };
  fillBounds(bounds, [-100, 100], maxDoublings);
  return bounds;
}
const surface = (rows: readonly (readonly number[])[]): Float32Array => Float32Array.from(rows.flat());

test('a lone spike does not widen the bounds, a building of three cells does', (t) => {
  const spike = surface([[0, 0, 0, 0, 0], [0, 0, 90, 0, 0], [0, 0, 0, 0, 0]]);
  t.deepEqual([...localBounds(spike, 5, 3, options).high], Array(15).fill(0));
  const building = surface([[0, 0, 0, 0, 0, 0], [0, 0, 9, 9, 0, 0], [0, 0, 9, 0, 0, 0]]);
  t.deepEqual([...localBounds(building, 6, 3, options).high], [0, 9, 9, 9, 9, 0, 0, 9, 9, 9, 9, 0, 0, 9, 9, 9, 9, 0]);
  t.deepEqual([...localBounds(building, 6, 3, options).low], Array(18).fill(0));
});

test('a cell near a step may be on its other side, a cell on a slope is where it is', (t) => {
  const step = surface(Array.from({ length: 4 }, () => [0, 0, 0, 0, 0, 9, 9, 9, 9, 9]));
  const { low, high } = localBounds(step, 10, 4, { ...options, stepRadius: 3 });
  t.deepEqual([...high.subarray(0, 10)], [0, 9, 9, 9, 9, 9, 9, 9, 9, 9]);
  t.deepEqual([...low.subarray(0, 10)], [0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
  const slope = surface(Array.from({ length: 4 }, () => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
  t.deepEqual(localBounds(slope, 10, 4, { ...options, stepRadius: 3 }).high.subarray(1, 9), Float32Array.of(2, 3, 4, 5, 6, 7, 8, 9));
});

test('cells without heights near by stay unknown', (t) => {
  const { low } = localBounds(surface([[5, 5, NaN, NaN, NaN], [5, 5, NaN, NaN, NaN]]), 5, 2, options);
  t.deepEqual([...low], [5, 5, 5, NaN, NaN, 5, 5, 5, NaN, NaN]);
});

test('reducing keeps the extremes, also in the last, smaller cells', (t) => {
  const { low, high } = reduceBounds({ width: 3, height: 2, low: surface([[1, 2, 3], [NaN, 0, 9]]), high: surface([[2, 3, 4], [NaN, 8, 9]]) }, 2);
  t.deepEqual([...low], [0, 3]);
  t.deepEqual([...high], [8, 9]);
});

test('holes take the extremes of what surrounds them at the finest scale that knows', (t) => {
  const row = [1, NaN, NaN, NaN, NaN, NaN, NaN, 7];
  const filled = filledRow(row, 8);
  t.deepEqual([...filled.low], [1, 1, 1, 1, 7, 7, 7, 7]);
  const wide = [1, ...Array<number>(14).fill(NaN), 7];
  const middle = filledRow(wide, 8);
  t.deepEqual([middle.low[6], middle.high[6]], [1, 1]);
  t.deepEqual([middle.low[8], middle.high[8]], [7, 7]);
});

test('a hole beyond the largest scale takes the fallback', (t) => {
  const row = [1, ...Array<number>(31).fill(NaN)];
  const filled = filledRow(row, 2);
  t.deepEqual([filled.low[1], filled.low[4], filled.low[31], filled.high[31]], [1, 1, -100, 100]);
});
