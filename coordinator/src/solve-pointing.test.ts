// SPDX-License-Identifier: Apache-2.0
import { rpcLocalize, rpcProject } from '@altiplano/kernels';
import type { RpcModel } from '@altiplano/protocol';
import test from 'ava';
import { solvePointing } from './solve-pointing.js';

const size = { width: 20_000, height: 16_000 };
const cameras = { rpcProject, rpcLocalize };
const heightRange: [number, number] = [-50, 450];

/** A slightly curved camera; a metre of height moves its pixels by (colPerM, rowPerM). */
function camera(colPerM: number, rowPerM: number): RpcModel {
  const terms = (values: Record<number, number>): number[] => Array.from({ length: 20 }, (_, i) => values[i] ?? 0);
  const [altOff, altScale, scale] = [200, 500, 10_000];
  return {
    lonOff: 31, lonScale: 0.05, latOff: 30, latScale: 0.04, altOff, altScale,
    colOff: size.width / 2, colScale: scale, rowOff: size.height / 2, rowScale: scale,
    colNum: terms({ 1: 1, 2: 0.04, 3: (colPerM * altScale) / scale, 4: 0.002, 7: 0.001 }), colDen: terms({ 0: 1, 1: 0.0003, 3: 0.0002 }),
    rowNum: terms({ 1: 0.03, 2: -1, 3: (rowPerM * altScale) / scale, 4: -0.001, 8: 0.002 }), rowDen: terms({ 0: 1, 2: 0.0004 }),
  };
}
const refRpc = camera(0.02, -0.15);
const secRpc = camera(-0.1, 0.4);

/** Numbers in [0, 1), the same in every run (Numerical Recipes' linear congruential generator). */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Scene {
  readonly count: number;
  /** What the RPC's secondary position is off by: (col, row) of it. */
  readonly error: (col: number, row: number) => readonly [number, number];
  readonly noisePx?: number;
  readonly outliers?: number;
  readonly heights?: readonly [number, number];
}

/** Matches of random ground points, with normal noise on both axes, and gross errors up to 24 px on some. */
function matchesOf({ count, error, noisePx = 0.1, outliers = 0, heights = [0, 400] }: Scene): [number, number, number, number, number][] {
  const random = uniform(7);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: count }, (_, i) => {
    const col = 500 + random() * (size.width - 1000);
    const row = 500 + random() * (size.height - 1000);
    const height = heights[0] + random() * (heights[1] - heights[0]);
    const lonLat = rpcLocalize(refRpc, Float64Array.of(col, row, height));
    const [c = NaN, r = NaN] = rpcProject(secRpc, Float64Array.of(...lonLat, height));
    const [dc, dr] = i < outliers * count ? [48 * random() - 24, 48 * random() - 24] : [...error(c, r)].map((e) => e + noisePx * normal());
    return [col, row, c + (dc ?? NaN), r + (dr ?? NaN), 0.9];
  });
}

const solve = (matches: [number, number, number, number, number][]): ReturnType<typeof solvePointing> =>
  solvePointing({ pairId: '0_1', refRpc, secRpc, secSize: size, matches, heightRange }, cameras);

/** How a ground point at (col, row) moves in the secondary with height, and the normal of that, as the doc comment turns it. */
function epipolarFrame(): { readonly along: [number, number]; readonly across: [number, number] } {
  const at = (h: number): Float64Array => rpcProject(secRpc, Float64Array.of(...rpcLocalize(refRpc, Float64Array.of(10_000, 8_000, h)), h));
  const [low, high] = [at(0), at(400)];
  const [c, r] = [(high[0] ?? NaN) - (low[0] ?? NaN), (high[1] ?? NaN) - (low[1] ?? NaN)];
  const length = Math.hypot(c, r);
  return { along: [c / length, r / length], across: [-r / length, c / length] };
}
const { along, across } = epipolarFrame();

for (const px of [0, 0.5, 8, -20]) {
  for (const outliers of [0, 0.6]) {
    test(`an error of ${px} px across the lines is found among ${outliers * 100} % gross errors`, (t) => {
      const pointing = solve(matchesOf({ count: 400, outliers, error: () => [px * across[0], px * across[1]] }));
      t.is(pointing.model, 'shift');
      t.true(Math.abs(pointing.correctionPx - px) < 0.05, `${pointing.correctionPx}`);
      const at = ([k, byCol, byRow]: readonly [number, number, number]): number => k + byCol * 10_000 + byRow * 8_000;
      t.true(Math.abs(at(pointing.correction.col) - 10_000 - px * across[0]) < 0.05);
      t.true(Math.abs(at(pointing.correction.row) - 8_000 - px * across[1]) < 0.05);
      t.true(pointing.rmsPx > 0.06 && pointing.rmsPx < (outliers > 0 ? 0.2 : 0.13), `${pointing.rmsPx}`);
      t.true(Math.abs(pointing.medianPx - Math.abs(px)) < 0.1);
      t.true(pointing.inliers >= 0.95 * (1 - outliers) * 400);
    });
  }
}

test('an error along the lines is height, not pointing', (t) => {
  const pointing = solve(matchesOf({ count: 100, error: () => [5 * along[0], 5 * along[1]] }));
  t.true(Math.abs(pointing.correctionPx) < 0.05);
});

test('an error that drifts over the image becomes an affine correction', (t) => {
  const drift = (col: number, row: number): number => 3 + (1.5 * (col - 10_000)) / 10_000 - (row - 8_000) / 8_000;
  for (const outliers of [0, 0.4]) {
    const pointing = solve(matchesOf({ count: 600, outliers, error: (c, r) => [drift(c, r) * across[0], drift(c, r) * across[1]] }));
    t.is(pointing.model, 'affine');
    for (const [c, r] of [[0, 0], [20_000, 0], [10_000, 8_000], [0, 16_000], [20_000, 16_000]] as const) {
      const { col, row } = pointing.correction;
      const moved = [col[0] + col[1] * c + col[2] * r - c, row[0] + row[1] * c + row[2] * r - r] as const;
      t.true(Math.abs(moved[0] * across[0] + moved[1] * across[1] - drift(c, r)) < 0.08, `${c}, ${r}`);
    }
  }
});

test('a constant error never becomes an affine correction by noise alone', (t) => {
  for (const noisePx of [0.05, 0.3]) {
    t.is(solve(matchesOf({ count: 1000, noisePx, error: () => [2, 1] })).model, 'shift');
  }
});

test('too few matches, or none that agree, leave the pointing as it is and say why', (t) => {
  const few = solve(matchesOf({ count: 9, error: () => [1, 0] }));
  t.is(few.model, 'none');
  t.is(few.reason, '9 matches, 10 are needed');
  t.deepEqual(few.correction, { col: [0, 1, 0], row: [0, 0, 1] });

  const elsewhere = solve(matchesOf({ count: 50, error: () => [1, 0], heights: [600, 900] }));
  t.is(elsewhere.model, 'none');
  t.regex(elsewhere.reason ?? '', /in the height range/);

  const lost = solve(matchesOf({ count: 14, outliers: 0.9, error: () => [1, 0] }));
  t.is(lost.model, 'none', lost.reason ?? `${lost.inliers} inliers`);
});

test('matches outside the height range are dropped', (t) => {
  const good = matchesOf({ count: 60, error: () => [across[0], across[1]] });
  const wild = matchesOf({ count: 200, error: () => [6 * across[0], 6 * across[1]], heights: [700, 900] });
  const pointing = solve([...wild, ...good]);
  t.true(Math.abs(pointing.correctionPx - 1) < 0.05);
  t.is(pointing.matches, 260);
  t.true(pointing.inliers <= 60);
});

test('the same matches in another order give the same correction', (t) => {
  const matches = matchesOf({ count: 200, outliers: 0.3, error: () => [3, 1] });
  const [a, b] = [solve(matches), solve([...matches].reverse())];
  t.true(Math.abs(a.correctionPx - b.correctionPx) < 1e-9);
  t.is(a.inliers, b.inliers);
});
