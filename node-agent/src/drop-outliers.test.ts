// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { dropOutliers } from './drop-outliers.js';

test('points beyond the height range and its slack go, those within stay, and what was none stays none', (t) => {
  const up = Float32Array.of(94, 95, 100, 205, 206, NaN);
  const points = { u0: 0, v0: 0, width: 6, height: 1, originE: 0, originN: 0, up, east: new Float32Array(6), north: new Float32Array(6) };
  t.is(dropOutliers(points, [100, 200], 5), 2);
  t.deepEqual([...up], [NaN, 95, 100, 205, NaN, NaN]);
  t.deepEqual([...points.east], [NaN, 0, 0, 0, NaN, 0]);
  t.deepEqual([...points.north], [NaN, 0, 0, 0, NaN, 0]);
});
