// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openInfo, readWindow } from '@altiplano/kernels/raster';
import test from 'ava';
import fc from 'fast-check';
import { reason } from './merge-block.js';
import { type MergedDsm, cellsBand, openMerge } from './merge-dsm.js';
import { type TestScene, openTestScene } from './testing/partial-scene.js';
import { tilesOf } from './tile-index.js';

/** Heights both sides of every tile border agree on: a slope with a step (a roof edge) inside. */
const surface = (e: number, n: number): number => 100 + 0.1 * (e - 640) - 0.05 * (n - 1280) + (e > 700 && n < 1300 ? 12 : 0);

/** x10y20 is done, x11y20 done with a hole, x12y20 empty, x10y19 dead; x11y19 and x12y19 are not planned. */
async function lShape(compress: 'DEFLATE' | 'NONE' = 'NONE'): Promise<TestScene> {
  return openTestScene({
    compress,
    tiles: [[10, 20], [11, 20], [12, 20], [10, 19]],
    partial: ({ ix, iy }) => (ix === 12 || iy === 19 ? null : (e, n) => (Math.hypot(e - 740, n - 1290) < 3 ? null : surface(e, n))),
  });
}

const bandOf = (path: string, band: number): Float32Array => Float32Array.from(readWindow(path, { band }).data);
const cellsOf = ({ cellsPath }: MergedDsm, band: keyof typeof cellsBand): Float32Array => bandOf(cellsPath ?? '', cellsBand[band]);

test('tiles merge into one georeferenced surface, and every tile says why its empty cells are', async (t) => {
  const scene = await lShape();
  t.teardown(() => scene.close());
  const merge = openMerge({ ...scene, isDead: (id) => id === 'x10y19', path: scene.path });
  const dsm = await merge.finish();
  const info = openInfo(dsm.path);
  t.deepEqual([info.width, info.height, info.crs], [192, 128, 'EPSG:32636']);
  t.deepEqual(info.geotransform, [640, 1, 0, 1344, 0, -1]);
  t.deepEqual(info.bands.map((band) => band.description), ['height']);
  t.deepEqual(openInfo(dsm.cellsPath ?? '').bands.map((band) => band.description), ['confidence', 'count', 'spread']);
  const heights = bandOf(dsm.path, 1);
  let valid = 0;
  for (let row = 0; row < 128; row++) {
    for (let col = 0; col < 192; col++) {
      const cell = row * 192 + col;
      const [e, n] = [640 + col + 0.5, 1344 - row - 0.5];
      if (heights[cell] === -32768) continue;
      valid++;
      t.true(Math.abs((heights[cell] ?? NaN) - surface(e, n)) < 1e-4, `${e}, ${n}`);
    }
  }
  t.is(dsm.validCells, valid);
  const has = (e: number, n: number): boolean => heights[Math.floor(1344 - n) * 192 + Math.floor(e - 640)] !== -32768;
  t.deepEqual([has(730, 1290), has(740, 1290), has(800, 1300), has(650, 1250), has(750, 1250)], [true, false, false, false, false]);
  t.true(has(650, 1278), 'the halo of the tile above reaches into the dead tile');
  const why = new Map([...tilesOf(scene.level)].map(({ id }, number) => [id, dsm.emptyReasons[number]]));
  t.deepEqual(Object.fromEntries(why), { x10y20: reason.noPoint, x11y20: reason.noPoint, x12y20: reason.outside, x10y19: reason.dead });
  t.true(dsm.minHeight < 97 && dsm.maxHeight > 111);
});

test('the pixels are the same bytes in whatever order tiles are merged, and merged again', async (t) => {
  const scene = await lShape();
  t.teardown(() => scene.close());
  const ids = [...tilesOf(scene.level)].map(({ id }) => id);
  const merged = async (order: readonly string[]): Promise<Buffer[]> => {
    const merge = openMerge({ ...scene, path: scene.path });
    for (const id of order) await merge.mergeTile(id);
    const dsm = await merge.finish();
    return [bandOf(dsm.path, 1), ...(['confidence', 'count', 'spread'] as const).map((band) => cellsOf(dsm, band))].map(({ buffer }) => Buffer.from(buffer));
  };
  const expected = await merged([]);
  await fc.assert(fc.asyncProperty(fc.array(fc.constantFrom(...ids), { maxLength: 8 }), async (order) => {
    t.deepEqual(await merged(order), expected);
  }), { numRuns: 8 });
});

test('partials are merged to the same pixels where they are mapped, read, or copied from a bucket, and no copy stays', async (t) => {
  const merged = async (scene: TestScene, store: TestScene['store'] = scene.store): Promise<Float32Array[]> => {
    const dsm = await openMerge({ ...scene, store, path: scene.path }).finish();
    return [bandOf(dsm.path, 1), cellsOf(dsm, 'confidence'), cellsOf(dsm, 'count'), cellsOf(dsm, 'spread')];
  };
  const [mapped, compressed] = [await lShape(), await lShape('DEFLATE')];
  t.teardown(() => Promise.all([mapped.close(), compressed.close()]));
  const expected = await merged(mapped);
  t.true(expected[2]?.includes(1));
  t.deepEqual(await merged(compressed), expected);
  const got: string[] = [];
  t.deepEqual(await merged(mapped, {
    ...mapped.store, gdalPath: (key) => `/vsis3/bucket/${key}`, get: async (key) => { got.push(key); return mapped.store.get(key); },
  }), expected);
  t.deepEqual(got.toSorted(), ['x10y20', 'x11y20'].map((id) => mapped.partials(id)[0]?.outKey ?? ''), 'each once');
  t.deepEqual((await readdir(dirname(mapped.path))).filter((name) => name.includes('partials')), []);
});

test('an abandoned merge leaves no file behind', async (t) => {
  const scene = await lShape();
  t.teardown(() => scene.close());
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-merge-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, 'dsm.tif');
  await openMerge({ ...scene, path }).abandon();
  t.throws(() => openInfo(path), { message: /dsm\.tif/ });
});

test('cells of tiles that are made of the same come from an earlier merge, and where that can\'t be read they are merged again', async (t) => {
  const scene = await lShape();
  t.teardown(() => scene.close());
  const isDead = (id: string): boolean => id === 'x10y19';
  const first = await openMerge({ ...scene, isDead, path: scene.path }).finish();
  const pixelsOf = (dsm: MergedDsm): Float32Array[] => [bandOf(dsm.path, 1), ...(['confidence', 'count', 'spread'] as const).map((name) => cellsOf(dsm, name))];
  const summaryOf = (dsm: MergedDsm) => ({ ...dsm, path: null, cellsPath: null, emptyReasons: null });
  const again = (name: string, more: Partial<Parameters<typeof openMerge>[0]>): Promise<MergedDsm> =>
    openMerge({ ...scene, isDead, path: join(dirname(scene.path), name), ...more }).finish();
  const earlier = { path: first.path, cellsPath: first.cellsPath ?? '' };

  // Without any partial DSM only the earlier merge can tell the heights.
  const taken = await again('taken.tif', { earlier, isSame: () => true, partials: () => [] });
  t.deepEqual(pixelsOf(taken), pixelsOf(first));
  t.deepEqual(summaryOf(taken), summaryOf(first));
  const mixed = await again('mixed.tif', { earlier, isSame: (id) => id !== 'x11y20' });
  t.deepEqual(pixelsOf(mixed), pixelsOf(first));
  t.deepEqual(mixed.emptyReasons, first.emptyReasons);
  const anew = await again('anew.tif', { earlier: { path: '/gone.tif', cellsPath: '/gone.cells.tif' }, isSame: () => true });
  t.deepEqual(pixelsOf(anew), pixelsOf(first));
});
