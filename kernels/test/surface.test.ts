// SPDX-License-Identifier: Apache-2.0
// End to end without images: a surface seen by two cameras, a perfect matcher, and the surface again.
import test from 'ava';
import {
  dropOutliers,
  dsmFromDisparity,
  rasterizeDsm,
  searchRange,
  tileGeometry,
  triangulate,
  KernelArgumentError,
  type DisparityMap,
  type GridSpec,
} from '../lib/index.js';
import { perfectDisparities } from './surface-views.js';
import { groundFromLonLat, identity, lonLatFromGround, syntheticPair } from './synthetic-pair.js';

const size = { width: 1000, height: 1000 };
const box = { minE: -80, minN: -60, maxE: 70, maxN: 90 };
const pair = {
  ref: { rpc: syntheticPair.ref, ...size },
  sec: { rpc: syntheticPair.sec, ...size, correction: { ...identity, row: [-7, 0, 1] as const } },
  box,
  heightRange: [250, 350] as const,
  lonLatFromGround,
  marginPx: 16,
};
/** Rolling hills with slopes up to 35 degrees, over a plane. */
const hills = (e: number, n: number): number =>
  300 + 0.1 * e + 15 * Math.sin(e / 40 + 1) * Math.cos(n / 30) + 4 * Math.sin(n / 12);

const geometry = tileGeometry(pair);
const { disparity, ground } = perfectDisparities(pair, geometry, groundFromLonLat, hills);
const map: DisparityMap = {
  ...geometry.rect,
  disparity,
  validity: new Uint16Array(disparity.length),
  confidence: new Float32Array(disparity.length).fill(1),
};
const points = triangulate(map, geometry.groundFromRect, 0, 0);
const grid: GridSpec = { originE: -80, originN: 90, resolution: 0.5, width: 300, height: 300 };

test('every disparity triangulates to the point of the surface it came from, within a tenth of a millimetre', (t) => {
  let worst = 0;
  for (let i = 0; i < disparity.length; i++) {
    const error = Math.hypot(
      (points.east[i] ?? NaN) - (ground[3 * i] ?? NaN),
      (points.north[i] ?? NaN) - (ground[3 * i + 1] ?? NaN),
      (points.up[i] ?? NaN) - (ground[3 * i + 2] ?? NaN),
    );
    worst = Math.max(worst, error);
  }
  t.log(`worst ${worst} m of ${disparity.length} points`);
  t.true(worst < 1e-4, `${worst} m`);
});

test('the grid gets the surface back: every cell, no bias, 5 mm where it bends', (t) => {
  const dsm = rasterizeDsm(points, map.confidence, grid, { sigma: 0.5, radius: 1 });
  let [sum, worst] = [0, 0];
  dsm.height.forEach((height, i) => {
    const error = height - hills(-80 + 0.5 * ((i % 300) + 0.5), 90 - 0.5 * (Math.floor(i / 300) + 0.5));
    sum += error;
    worst = Math.max(worst, Math.abs(error));
  });
  t.log(`mean ${sum / dsm.height.length} m, worst ${worst} m`);
  t.true(
    Math.abs(sum / dsm.height.length) < 2e-3 && worst < 5e-3,
    `mean ${sum / dsm.height.length} m, worst ${worst} m`,
  );
  t.true(
    dsm.count.every((count) => count >= 5) &&
      dsm.spread.every((spread) => spread < 0.1) &&
      dsm.weight.every((weight) => weight > 0.5),
  );
});

test('from disparities to the grid at once: the bytes of the three steps', (t) => {
  const limits = { heightRange: [292, 306], prior: null, slackM: 1, towerM: 2, searchedM: 50 } as const;
  const options = { sigma: 0.5, radius: 1 };
  const { dsm, outliers } = dsmFromDisparity({ map, groundFromRect: geometry.groundFromRect, grid, limits, options });
  const kept = triangulate(map, geometry.groundFromRect, grid.originE, grid.originN);
  t.is(outliers, dropOutliers(kept, limits));
  t.true(outliers > 1000 && outliers < disparity.length / 2, `${outliers}`);
  t.deepEqual(dsm, rasterizeDsm(kept, map.confidence, grid, options));
});

test('no disparity is no point, and a grid without points has no heights', (t) => {
  const nothing = triangulate({ ...map, disparity: disparity.map(() => Number.NaN) }, geometry.groundFromRect, 0, 0);
  t.true(nothing.up.every(Number.isNaN) && nothing.east.every(Number.isNaN));
  const dsm = rasterizeDsm(nothing, map.confidence, grid, { sigma: 0.5, radius: 1 });
  t.true(dsm.height.every(Number.isNaN) && dsm.weight.every((w) => w === 0) && dsm.count.every((c) => c === 0));
});

test('search ranges from a prior of the surface hold every disparity, and are narrower than the tile asks for', (t) => {
  const cells = 60;
  const prior = {
    grid: { originE: -95, originN: 105, resolution: 3, width: cells, height: cells },
    low: new Float32Array(cells * cells),
    high: new Float32Array(cells * cells),
  };
  for (let i = 0; i < cells * cells; i++) {
    const h = hills(-95 + 3 * ((i % cells) + 0.5), 105 - 3 * (Math.floor(i / cells) + 0.5));
    prior.low[i] = h - 3;
    prior.high[i] = h + 3;
  }
  const { range, clipped, wantedCount } = searchRange({ geometry, prior, maxCount: 256, slackPx: 1, byRow: false });
  t.false(clipped);
  t.is(range.count, wantedCount);
  t.is(range.count % 16, 0);
  t.true(
    range.count < geometry.disparityRange[1] - geometry.disparityRange[0],
    `${range.count} of ${geometry.disparityRange.join('..')}`,
  );
  t.is(range.rowCounts, null);
  const { range: byRow } = searchRange({ geometry, prior, maxCount: 256, slackPx: 1, byRow: true });
  t.is(byRow.count, range.count);
  for (const { low, count, rowCounts } of [range, byRow]) {
    const countAt = (i: number): number => rowCounts?.[Math.floor(i / geometry.rect.width)] ?? count;
    t.true(disparity.every((d, i) => (low[i] ?? NaN) <= d && d <= (low[i] ?? NaN) + countAt(i) - 1));
  }
});

test('without a prior the whole range is searched, or its middle where that is too much', (t) => {
  const [dMin, dMax] = geometry.disparityRange;
  const nowhere = { grid: { ...grid, width: 1, height: 1 }, low: Float32Array.of(NaN), high: Float32Array.of(NaN) };
  for (const prior of [null, nowhere]) {
    const { range, clipped, wantedCount } = searchRange({ geometry, prior, maxCount: 256, slackPx: 1, byRow: false });
    t.false(clipped);
    t.true(wantedCount >= dMax - dMin + 1 && wantedCount < dMax - dMin + 17);
    t.true(range.low.length === disparity.length && range.low.every((low) => low === dMin));
    const narrow = searchRange({ geometry, prior, maxCount: 40, slackPx: 1, byRow: false });
    t.true(narrow.clipped && narrow.range.count === 32 && narrow.wantedCount === wantedCount);
    t.true(Math.abs((narrow.range.low[0] ?? NaN) + 15.5 - (dMin + dMax) / 2) <= 1);
  }
});

test('wrong arguments are refused by name', (t) => {
  const is = (message: RegExp): { instanceOf: typeof KernelArgumentError; message: RegExp } => ({
    instanceOf: KernelArgumentError,
    message,
  });
  const options = { sigma: 0.5, radius: 1 };
  t.throws(() => triangulate({ ...map, disparity: new Float32Array(3) }, geometry.groundFromRect, 0, 0), is(/for map/));
  t.throws(() => triangulate(map, geometry.groundFromRect, Number.NaN, 0), is(/for origin/));
  t.throws(() => rasterizeDsm(points, new Float32Array(3), grid, options), is(/for weights/));
  t.throws(() => rasterizeDsm(points, map.confidence, { ...grid, width: 1.5 }, options), is(/for grid/));
  t.throws(() => rasterizeDsm(points, map.confidence, { ...grid, resolution: 0 }, options), is(/for grid.resolution/));
  t.throws(() => rasterizeDsm(points, map.confidence, grid, { ...options, sigma: 0 }), is(/for sigma/));
  t.throws(() => rasterizeDsm(points, map.confidence, grid, { ...options, radius: -1 }), is(/for radius/));
  t.throws(() => rasterizeDsm(points, map.confidence, grid, { ...options, stepM: Number.NaN }), is(/for stepM/));
  const input = { map, groundFromRect: geometry.groundFromRect, grid, limits: { heightRange: [0, 1], prior: null, slackM: 1, towerM: 1, searchedM: 1 }, options } as const;
  t.throws(() => dsmFromDisparity({ ...input, map: { ...map, confidence: new Float32Array(3) } }), is(/for map/));
  t.throws(() => dsmFromDisparity({ ...input, grid: { ...grid, originN: Number.NaN } }), is(/for grid.origin/));
  t.throws(() => dsmFromDisparity({ ...input, limits: { ...input.limits, slackM: -1 } }), is(/for slackM/));
  t.throws(() => dsmFromDisparity({ ...input, options: { ...options, radius: 17 } }), is(/for radius/));
  t.throws(() => searchRange({ geometry, prior: null, maxCount: 15, slackPx: 0, byRow: false }), is(/for maxCount/));
  t.throws(() => searchRange({ geometry, prior: null, maxCount: 64, slackPx: -1, byRow: false }), is(/for slackPx/));
  t.throws(
    () =>
      searchRange({
        geometry,
        prior: { grid, low: new Float32Array(1), high: new Float32Array(1) },
        maxCount: 64,
        slackPx: 0,
        byRow: true,
      }),
    is(/for prior/),
  );
});
