// SPDX-License-Identifier: Apache-2.0
import { createTiled, readBands } from '@altiplano/kernels/raster';
import type { GridSpec, HeightRange, LevelPlan, ScenePlan } from '@altiplano/protocol';
import test from 'ava';
import fc from 'fast-check';
import { noHeight } from './merge-block.js';
import { type MergedDsm, geotransformOf } from './merge-dsm.js';
import { boxOfGrid, withHalo } from './ground-tiles.js';
import { type Prior, makePrior, priorRange } from './range-tiles.js';
import { type TestScene, openTestScene } from './testing/partial-scene.js';
import { openTileIndex, tilesOf } from './tile-index.js';

const [width, height] = [150, 130];
const grid: GridSpec = { originE: 640, originN: 5760, resolution: 4, width, height };

/** A level of 4 m cells that searches: squares of 10 cells, which begin where the grid's do; 15 x 13 of them cover it. */
const levelOf = (tileRuns: LevelPlan['tileRuns'], haloCells: number): LevelPlan => ({ factor: 1, resolution: 4, tileCells: 10, haloCells, maxDisparities: 256, tileRuns });
const run = (ix: number, iy: number, count: number): LevelPlan['tileRuns'][number] => ({ ix, iy, count, core: [0, 0, 10, 10], pairs: ['0_1'] });
const level = levelOf(Array.from({ length: 13 }, (_, row) => run(16, 143 - row, 15)), 5);
const rangeOf = ({ ranges }: Prior, ix: number, iy: number): HeightRange => {
  const tile = openTileIndex(level).numberAt(ix, iy);
  return [ranges[2 * tile] ?? NaN, ranges[2 * tile + 1] ?? NaN];
};

interface Terrain { readonly relief: number; readonly seed: number; readonly spikes: number; readonly holes: number }

/** Hills of a given relief with 20 m blocks on them; `seen` is what a coarse level makes of it: noise, spikes, holes. */
function terrain({ relief, seed, spikes, holes }: Terrain): { truth: Float32Array; seen: Float32Array } {
  let state = seed + 1;
  const random = (): number => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return state / 2 ** 32; };
  const truth = new Float32Array(width * height);
  const seen = new Float32Array(width * height);
  for (let cell = 0; cell < truth.length; cell++) {
    const [col, row] = [cell % width, Math.floor(cell / width)];
    const hill = (relief / 2) * (Math.sin(col / 25) + Math.cos(row / 30)) / 2 + 200;
    const block = col % 30 < 8 && row % 26 < 7 ? 20 : 0;
    truth[cell] = hill + block;
    // One pixel is 2 m x 4 / 0.5 = 8 m of height here; noise of a third of a pixel.
    seen[cell] = hill + block + (random() + random() + random() - 1.5) * 5;
    if (random() < spikes) seen[cell] = hill + (random() - 0.5) * 1200;
    if (random() < holes || Math.hypot(col - 70, row - 60) < 200 * holes) seen[cell] = noHeight;
  }
  return { truth, seen };
}

async function sceneWith(seen: Float32Array): Promise<{ scene: TestScene; plan: ScenePlan; merged: MergedDsm }> {
  const scene = await openTestScene({ tiles: [[10, 89]], partial: () => null });
  const out = createTiled(scene.path, {
    width, height, crs: 'EPSG:32636', geotransform: geotransformOf(grid), blockSize: 64,
    bands: [{ type: 'float32', noData: noHeight }],
  });
  out.writeBlock(1, 0, 0, width, height, seen);
  out.close();
  const plan = { ...scene.plan, images: scene.plan.images.map((image) => ({ ...image, gsdM: 1 })) };
  return { scene, plan, merged: { path: scene.path, cellsPath: null, emptyReasons: new Uint8Array(), grid, validCells: 1, minHeight: 0, maxHeight: 0, rect: null, typicalHeights: [] } };
}

function boundsOf(scene: TestScene, prior: Prior): [Float32Array, Float32Array] {
  const [low = new Float32Array(0), high = new Float32Array(0)] = readBands(scene.store.gdalPath(prior.key));
  return [low, high];
}

test('the truth lies between the bounds, and the bounds stay close, on any terrain', async (t) => {
  await fc.assert(fc.asyncProperty(fc.record({
    relief: fc.integer({ min: 0, max: 300 }), seed: fc.nat(1e6), spikes: fc.constantFrom(0, 0.005), holes: fc.constantFrom(0, 0.03, 0.1),
  }), async (sort) => {
    const { truth, seen } = terrain(sort);
    const { scene, plan, merged } = await sceneWith(seen);
    try {
      const [low, high] = boundsOf(scene, await makePrior({ merged, plan, factor: 4, level, store: scene.store }));
      let inside = 0, widths = 0;
      for (let cell = 0; cell < truth.length; cell++) {
        const [h = NaN, from = NaN, to = NaN] = [truth[cell], low[cell], high[cell]];
        if (h >= from && h <= to) inside++;
        widths += to - from;
      }
      t.true(inside / truth.length >= 0.999, `${inside / truth.length} inside`);
      // Margins 2 x 18 m, local relief and blocks: far from the 1100 m of the domain and the 1200 m of the spikes.
      t.true(widths / truth.length < 20 + 15 + 0.2 * sort.relief + 36 + (sort.holes > 0 ? 40 : 0), `${widths / truth.length} m wide`);
    } finally {
      await scene.close();
    }
  }), { numRuns: 12 });
});

test('a spike does not widen a tile\'s range, a tower does', async (t) => {
  const flat = new Float32Array(width * height).fill(100);
  flat[50 * width + 50] = 700;
  for (const at of [0, 1, width, width + 1]) flat[100 * width + 100 + at] = 180;
  const { scene, plan, merged } = await sceneWith(flat);
  t.teardown(() => scene.close());
  const prior = await makePrior({ merged, plan, factor: 4, level, store: scene.store });
  // Columns and rows 45 to 64, and 95 to 114.
  t.deepEqual(rangeOf(prior, 16 + 5, 143 - 5), [82, 118]);
  t.deepEqual(rangeOf(prior, 16 + 10, 143 - 10), [82, 198]);
  t.true(await scene.store.has(prior.key));
});

test('bounds are stored under a key of their content, so that tasks that search between other bounds are other tasks', async (t) => {
  const keys: string[] = [];
  for (const heightM of [100, 100, 101]) {
    const { scene, plan, merged } = await sceneWith(new Float32Array(width * height).fill(heightM));
    t.teardown(() => scene.close());
    keys.push((await makePrior({ merged, plan, factor: 4, level, store: scene.store })).key);
  }
  t.is(keys[0], keys[1]);
  t.not(keys[0], keys[2]);
});

test('bounds that are computed twice are those that are kept', async (t) => {
  const { scene, plan, merged } = await sceneWith(terrain({ relief: 80, seed: 5, spikes: 0.005, holes: 0.1 }).seen);
  t.teardown(() => scene.close());
  const [kept, twice] = [await makePrior({ merged, plan, factor: 4, level, store: scene.store }), await makePrior({ merged, plan, factor: 4, level, store: scene.store }, { keptBlocks: 0 })];
  t.is(twice.key, kept.key);
  t.false(boundsOf(scene, twice)[0].includes(NaN));
});

test('the rim beside a tile that lies just outside has bounds, because its agent reads one cell more', async (t) => {
  const { scene, plan, merged } = await sceneWith(new Float32Array(width * height).fill(100));
  t.teardown(() => scene.close());
  const beside = levelOf([run(15, 140, 1)], 0); // ends where the grid begins
  const [low, high] = boundsOf(scene, await makePrior({ merged, plan, factor: 4, level: beside, store: scene.store }));
  t.deepEqual([low[35 * width], high[35 * width]], [82, 118]);
});

test('a tile\'s range spans the bounds it touches in the file, whatever else is searched', async (t) => {
  const { scene, plan, merged } = await sceneWith(terrain({ relief: 150, seed: 7, spikes: 0.005, holes: 0.1 }).seen);
  t.teardown(() => scene.close());
  const whole = boundsOf(scene, await makePrior({ merged, plan, factor: 4, level, store: scene.store }));
  // Some tiles on the grid's edges, one in the middle, one that reaches in with its halo alone, and one far away.
  const few = levelOf([run(15, 143, 2), run(22, 138, 1), run(30, 131, 2), run(90, 20, 1)], 5);
  const prior = await makePrior({ merged, plan, factor: 4, level: few, store: scene.store });
  const path = scene.store.gdalPath(prior.key);
  const [low] = boundsOf(scene, prior);
  for (const [tile, { core }] of [...tilesOf(few)].entries()) {
    const box = boxOfGrid(withHalo(core, few.haloCells));
    const range = priorRange(path, grid, box);
    t.deepEqual([prior.ranges[2 * tile], prior.ranges[2 * tile + 1]], [...(range ?? [NaN, NaN])]);
    t.is(range === null, tile === 5);
    for (let cell = 0; range !== null && cell < width * height; cell++) {
      const [e, n] = [grid.originE + 4 * ((cell % width) + 0.5), grid.originN - 4 * (Math.floor(cell / width) + 0.5)];
      if (e > box.minE - 4 && e < box.maxE + 4 && n > box.minN - 4 && n < box.maxN + 4) t.is(low?.[cell], whole[0][cell]);
    }
  }
});

test('without any height the whole domain is searched', async (t) => {
  const { scene, plan, merged } = await sceneWith(new Float32Array(width * height).fill(noHeight));
  t.teardown(() => scene.close());
  const prior = await makePrior({ merged, plan, factor: 4, level, store: scene.store });
  t.deepEqual(rangeOf(prior, 20, 140), [-100, 1000]);
});
