// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { dropOutliers } from './drop-outliers.js';
import { KernelArgumentError } from './errors.js';
import type { PointMap } from './types.js';

/** Points at the given eastings, 5 m south of the origin. */
function pointsOf(heights: readonly number[], eastings: readonly number[] = heights.map(() => 5)): PointMap {
  const [width, height] = [heights.length, 1];
  return {
    u0: 0, v0: 0, width, height, originE: 500, originN: 900,
    east: Float32Array.from(eastings), north: Float32Array.from(heights, () => -5), up: Float32Array.from(heights),
  };
}

test('without a prior, points beyond the tile and its slack go, those within stay, and what was none stays none', (t) => {
  const points = pointsOf([94, 95, 100, 205, 206, NaN]);
  t.is(dropOutliers(points, { heightRange: [100, 200], prior: null, slackM: 5, towerM: 0, searchedM: 10 }), 2);
  t.deepEqual([...points.up], [NaN, 95, 100, 205, NaN, NaN]);
  t.deepEqual([...points.east], [NaN, 5, 5, 5, NaN, 5]);
  t.deepEqual([...points.north], [NaN, -5, -5, -5, NaN, -5]);
});

test('with a prior, each point is held against the bounds of its own cell', (t) => {
  // Cells of 10 m: the first allows 100 to 110 m, the second 150 to 160 m; a point east of both has the tile's range.
  const prior = { grid: { originE: 500, originN: 900, resolution: 10, width: 2, height: 1 }, low: Float32Array.of(100, 150), high: Float32Array.of(110, 160) };
  const points = pointsOf([105, 155, 105, 155, 155], [5, 5, 15, 15, 25]);
  t.is(dropOutliers(points, { heightRange: [0, 200], prior, slackM: 3, towerM: 0, searchedM: 20 }), 2);
  t.deepEqual([...points.up], [105, NaN, NaN, 155, 155]);
});

test('where the bounds were searched in part only, nothing stays', (t) => {
  const prior = { grid: { originE: 500, originN: 900, resolution: 10, width: 2, height: 1 }, low: Float32Array.of(100, 0), high: Float32Array.of(110, 1000) };
  const points = pointsOf([105, 500], [5, 15]);
  t.is(dropOutliers(points, { heightRange: [0, 1000], prior, slackM: 3, towerM: 0, searchedM: 250 }), 1);
  t.deepEqual([...points.up], [105, NaN]);
});

test('a tower may stand above the bounds, but nothing lies as far below them', (t) => {
  const points = pointsOf([60, 97, 235, 240]);
  t.is(dropOutliers(points, { heightRange: [100, 200], prior: null, slackM: 5, towerM: 30, searchedM: 100 }), 2);
  t.deepEqual([...points.up], [NaN, 97, 235, NaN]);
});

test('limits that are no lengths are refused by name', (t) => {
  const limits = { heightRange: [0, 1], prior: null, slackM: 1, towerM: 1, searchedM: 1 } as const;
  t.throws(() => dropOutliers(pointsOf([1]), { ...limits, slackM: Number.NaN }), { instanceOf: KernelArgumentError, message: /slackM/ });
  t.throws(() => dropOutliers(pointsOf([1]), { ...limits, searchedM: -1 }), { instanceOf: KernelArgumentError, message: /searchedM/ });
});
