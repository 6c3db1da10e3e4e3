// SPDX-License-Identifier: Apache-2.0
// One tile outside of a cluster: as it was, with another parameter, and split in four.
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readPlan, rebuildTask, tilesOf } from '@altiplano/coordinator';
import { openInfo, readBands } from '@altiplano/kernels/raster';
import { runTask, runners } from '@altiplano/node-agent';
import type { ScenePlan, StereoTask } from '@altiplano/protocol';
import { type ObjectStore, openStore } from '@altiplano/protocol/io';
import anyTest, { type TestFn } from 'ava';
import { makeScene } from '../scenes/make-scene.js';
import { runScene } from './run-altiplano.js';

interface Context { folder: string; store: ObjectStore; plan: ScenePlan }
const test = anyTest as TestFn<Context>;
const program = fileURLToPath(new URL('../../../coordinator/bin/altiplano.js', import.meta.url));

test.serial.before(async (t) => {
  t.timeout(300_000);
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-tile-run-'));
  const manifest = await makeScene({ directory: folder, terrain: 'city', size: 512, pointingError: [3], seed: 13 });
  const images = manifest.views.map(({ file }) => join(folder, file));
  await runScene([...images, '--out', join(folder, 'out'), '--scene-id', 'town', '--tile', '192', '--agents', '2', '--keep-intermediates'], { showProgress: false });
  const store = await openStore(join(folder, 'out', '.altiplano', 'store'));
  t.context = { folder, store, plan: await readPlan(store, 'town') };
});

test.serial.after.always(async (t) => {
  await t.context.store.close();
  await rm(t.context.folder, { recursive: true, force: true });
});

interface Ran { readonly code: number; readonly out: string; readonly err: string }

function tileRun({ store }: Context, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, 'tile', 'run', '--store', store.url, '--scene', 'town', ...args], { env: { ...process.env, ...env } }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err });
    });
  });
}

/** The tile in the middle of a level. */
function middleTile(plan: ScenePlan, factor: number): string {
  const level = plan.levels.find((candidate) => candidate.factor === factor);
  const tiles = level === undefined ? [] : [...tilesOf(level)];
  return tiles[Math.floor(tiles.length / 2)]?.id ?? '';
}

test('a tile of any level comes out as the cluster made it, byte for byte, and the store stays as it was', async (t) => {
  const { folder, store, plan } = t.context;
  const listing = async (): Promise<string[]> => {
    const keys = [];
    for await (const key of store.list('')) keys.push(key);
    return keys;
  };
  const before = await listing();
  for (const { factor } of plan.levels) {
    const tile = middleTile(plan, factor);
    const dump = join(folder, `dump-${factor}`);
    const { code, out, err } = await tileRun(t.context, ['--tile', tile, '--pair', '0_1', '--level', String(factor), '--dump', dump, '--json']);
    t.is(code, 0, err);
    const { state, outKey } = JSON.parse(out) as { state: string; outKey: string };
    t.is(state, 'done');
    t.true(Buffer.from(await store.get(outKey)).equals(await readFile(join(dump, '6-partial.tif'))), `level ${factor}`);
    t.notRegex(err, /hasn't been tried/);
    const names = await readdir(dump);
    for (const name of ['1-window-reference', '1-window-secondary', '2-rectified-reference', '2-rectified-secondary', '2-range-low', '3-matched-disparity',
      '4-filtered-disparity', '4-filtered-confidence', '4-filtered-validity', '5-points', '6-partial']) {
      t.true(names.includes(`${name}.tif`) && names.includes(`${name}.png`), name);
    }
    t.like(openInfo(join(dump, '4-filtered-validity.tif')).metadata, { BIT_001: 'noDataReference', BIT_016: 'leftRight', BIT_128: 'outlier' });
    const [up, east] = readBands(join(dump, '5-points.tif'));
    const { width, height } = openInfo(join(dump, '4-filtered-disparity.tif'));
    t.is(up?.length, width * height);
    const [tileEast = NaN] = openInfo(join(dump, '6-partial.tif')).geotransform ?? [];
    t.true(east?.some((value) => Math.abs(value - tileEast) < 500), 'points are on the map');
  }
  t.deepEqual(await listing(), before);
});

test('parameters may be others; what does not exist is named; a crash is told with its signal', async (t) => {
  const tile = middleTile(t.context.plan, 1);
  const one = ['--tile', tile, '--pair', '0_1'];
  const changed = await tileRun(t.context, [...one, '--set', 'p2=60']);
  t.is(changed.code, 0, changed.err);
  t.regex(changed.out, /: done, .*\n.*CPU seconds by stage:\n(.*\n)*\s+match /);
  for (const [args, expected] of [
    [[...one, '--set', 'p9=1'], /p9/], [['--tile', 'x0y0', '--pair', '0_1'], /no tile x0y0/], [['--tile', tile, '--pair', '0_7'], /0_1.*not by 0_7/],
    [[...one, '--level', '3'], /no level 3/],
  ] as const) {
    const { code, err } = await tileRun(t.context, args);
    t.is(code, 2, err);
    t.regex(err, expected);
  }
  const crashed = await tileRun(t.context, one, { ALTIPLANO_TEST_CRASH: `stereo-${tile}-0_1:match` });
  t.is(crashed.code, 1);
  t.regex(crashed.out, /dead, crashed by SIGSEGV/);
});

/** Runs a task here, without writing to the store; what it would put there. */
async function bandsOf({ folder, store }: Context, task: StereoTask, split: boolean) {
  const path = join(folder, split ? 'split.tif' : 'whole.tif');
  const keeping: ObjectStore = {
    ...store,
    async putFileIfAbsent(_key, from) {
      await copyFile(from, path);
      return true;
    },
  };
  const { metrics } = await runTask(runners, { store: keeping }, task, { split });
  const [height = new Float32Array(), weight = new Float32Array(), spread = new Float32Array(), count = new Float32Array()] = readBands(path);
  return { metrics, height, weight, spread, count, bytes: await readFile(path) };
}

test('a tile split in four takes less memory and gives the same surface, without a seam', async (t) => {
  const { store, plan } = t.context;
  const { task } = await rebuildTask(store, plan, { tileId: middleTile(plan, 1), pairId: '0_1', factor: 1 });
  const whole = await bandsOf(t.context, task, false);
  const split = await bandsOf(t.context, task, true);
  t.true(split.bytes.equals((await bandsOf(t.context, task, true)).bytes), 'the same bytes each time');
  t.is(split.metrics['split'], 1);
  t.is(split.metrics['deliveredCells'], whole.metrics['deliveredCells']);

  const { width, height } = task.grid;
  const differences: number[] = [];
  const [seam, elsewhere]: [number[], number[]] = [[], []];
  let [both, either] = [0, 0];
  for (let row = 0; row < height; row++) {
    for (let col = 0; col < width; col++) {
      const cell = row * width + col;
      const [a = NaN, b = NaN] = [whole.height[cell], split.height[cell]];
      if (Number.isFinite(a) || Number.isFinite(b)) either += 1;
      if (!Number.isFinite(a) || !Number.isFinite(b)) continue;
      both += 1;
      differences.push(Math.abs(a - b));
      const half = Math.ceil(width / 2);
      const step = (at: number): number => Math.abs((split.height[row * width + at] ?? NaN) - (split.height[row * width + at - 1] ?? NaN));
      if (col === half && Number.isFinite(step(half))) seam.push(step(half));
      if (col > 8 && Math.abs(col - half) > 8 && Number.isFinite(step(col))) elsewhere.push(step(col));
    }
  }
  const at = (values: number[], share: number): number => values.sort((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? NaN;
  t.log(`memory ${whole.metrics['memoryMb']} -> ${split.metrics['memoryMb']} MB; cells in both ${both} of ${either}; |difference| median ${at(differences, 0.5)
    .toFixed(4)}, 95 % ${at(differences, 0.95).toFixed(3)} m; step at the seam ${at(seam, 0.5).toFixed(3)}, elsewhere ${at(elsewhere, 0.5).toFixed(3)} m`);
  t.true((split.metrics['memoryMb'] ?? NaN) < (whole.metrics['memoryMb'] ?? NaN));
  t.true(both / either > 0.96);
  t.true(at(differences, 0.5) < 0.02 && at(differences, 0.95) < 0.4);
  t.true(at(seam, 0.5) < 1.5 * at(elsewhere, 0.5) + 0.02 && at(seam, 0.9) < 1.5 * at(elsewhere, 0.9) + 0.05, `${at(seam, 0.9)} ${at(elsewhere, 0.9)}`);
});
