// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { readBands } from '@altiplano/kernels/raster';
import test from 'ava';
import { sceneWork } from './coordinator-work.js';
import { type MergedDsm, openMerge } from './merge-dsm.js';
import { makePrior } from './range-tiles.js';
import { type TestScene, openTestScene } from './testing/partial-scene.js';
import { openWorkThread } from './work-thread.js';

const surface = (e: number, n: number): number => 100 + 0.1 * (e - 640) - 0.05 * (n - 1280);

async function scene(t: { teardown(end: () => Promise<void>): void }): Promise<TestScene> {
  const opened = await openTestScene({ tiles: [[10, 20], [11, 20], [10, 19]], partial: ({ iy }) => (iy === 19 ? null : surface) });
  t.teardown(() => opened.close());
  return opened;
}

test('merges and priors of the thread are those of the calling thread', async (t) => {
  const inputs = await scene(t);
  const thread = openWorkThread(sceneWork);
  t.teardown(() => thread.close());
  const isDead = (id: string): boolean => id === 'x10y19';
  const here = await openMerge({ ...inputs, isDead, path: inputs.path }).finish();
  // Tiles lie in the file as they were merged; their cells are the same.
  const pixelsOf = ({ path, cellsPath }: MergedDsm): unknown => [path, cellsPath ?? ''].map((file) => readBands(file));
  const expected = pixelsOf(here);
  const merge = thread.work.openMerge({ ...inputs, isDead, path: inputs.path });
  await merge.mergeTile('x11y20');
  const there = await merge.finish();
  t.deepEqual(there, here);
  t.deepEqual(pixelsOf(there), expected);
  const plan = { ...inputs.plan, images: inputs.plan.images.map((image) => ({ ...image, gsdM: 1 })) };
  const request = { merged: there, plan, factor: 1, level: inputs.level, store: inputs.store };
  t.deepEqual(await thread.work.makePrior(request), await makePrior(request));
});

test('what fails in the thread fails here in its own words, and the thread goes on', async (t) => {
  const inputs = await scene(t);
  const thread = openWorkThread(sceneWork);
  t.teardown(() => thread.close());
  const lost = thread.work.openMerge({ ...inputs, partials: () => [{ pairId: '0_1', outKey: 'scenes/test/lost.tif' }], path: inputs.path });
  await t.throwsAsync(lost.mergeTile('x10y20'), { message: /lost\.tif/ });
  await lost.abandon();
  t.false(existsSync(inputs.path));
  const merge = thread.work.openMerge({ ...inputs, path: inputs.path });
  t.true((await merge.finish()).validCells > 0);
});

test('closing fails what is still being computed, and what is asked afterwards: nothing starts a thread that nobody would end', async (t) => {
  const inputs = await scene(t);
  const thread = openWorkThread(sceneWork);
  const finish = thread.work.openMerge({ ...inputs, path: inputs.path }).finish();
  const failed = t.throwsAsync(finish, { message: /closed/ });
  await thread.close();
  await failed;
  await t.throwsAsync(thread.work.openMerge({ ...inputs, path: inputs.path }).finish(), { message: /closed/ });
});
