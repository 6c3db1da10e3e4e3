// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type RpcModel, rpcProject } from '@altiplano/kernels';
import { openInfo, readBands, readRpc, transformPoints } from '@altiplano/kernels/raster';
import { makeScene } from './make-scene.js';
import type { SceneManifest } from './manifest.js';
import type { SceneOptions } from './options.js';

async function withScene(options: Omit<SceneOptions, 'directory'>, use: (directory: string, manifest: SceneManifest) => Promise<void> | void): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'altiplano-scene-'));
  try {
    await use(directory, await makeScene({ ...options, directory }));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const filesOf = (m: SceneManifest): string[] => [...m.views.map((v) => v.file), m.truth.dsm, m.truth.visible, m.truth.seen, 'scene.json'];

async function digests(directory: string, manifest: SceneManifest): Promise<string[]> {
  return Promise.all(filesOf(manifest).map(async (file) => createHash('sha256').update(await readFile(join(directory, file))).digest('hex')));
}

test('the same options make the same bytes on one thread and on three; another seed makes another scene', async (t) => {
  const options = { size: 96, terrain: 'hills', relief: 8, samples: 2, seed: 5 } as const;
  let first: string[] = [];
  await withScene({ ...options, threads: 1 }, async (directory, manifest) => { first = await digests(directory, manifest); });
  await withScene({ ...options, threads: 3 }, async (directory, manifest) => { t.deepEqual(await digests(directory, manifest), first); });
  await withScene({ ...options, seed: 6 }, async (directory, manifest) => { t.notDeepEqual((await digests(directory, manifest)).slice(0, 3), first.slice(0, 3)); });
});

test('what both images see has the same radiance at the pixels the written RPCs give, and not a third of a pixel beside them', async (t) => {
  await withScene({ size: 192, terrain: 'city', noise: 0, altitude: 600 }, (directory, manifest) => {
    t.true(radianceDifference(directory, manifest, 0) < 0.6 * radianceDifference(directory, manifest, 0.35));
    t.true(radianceDifference(directory, manifest, 0) < 0.6 * radianceDifference(directory, manifest, -0.35));
  });
});

test('a pointing error shifts the RPC across the epipolar line, and only the RPC', async (t) => {
  const options = { size: 64, terrain: 'flat', samples: 1, views: 3 } as const;
  await withScene(options, async (plainDirectory, plain) => {
    await withScene({ ...options, pointingError: [8, -3] }, async (directory, shifted) => {
      t.deepEqual((await digests(directory, shifted)).slice(3, 6), (await digests(plainDirectory, plain)).slice(3, 6));
      for (const [k, error] of [[1, 8], [2, -3]] as const) {
        const pair = shifted.pairs[k - 1];
        const [before, after] = [readRpc(join(plainDirectory, `img_${k}.tif`)).model, readRpc(join(directory, `img_${k}.tif`)).model];
        const [dc, dr] = [after.colOff - before.colOff, after.rowOff - before.rowOff];
        t.true(Math.abs(Math.hypot(dc, dr) - Math.abs(error)) < 1e-6);
        t.true(Math.abs(dc * (pair?.epipolarDirection.col ?? NaN) + dr * (pair?.epipolarDirection.row ?? NaN)) < 1e-6, 'nothing along the line');
        t.true(Math.abs(dc + (pair?.expectedCorrection.col ?? NaN)) < 1e-6 && Math.abs(dr + (pair?.expectedCorrection.row ?? NaN)) < 1e-6);
        t.deepEqual(readBands(join(directory, `img_${k}.tif`)), readBands(join(plainDirectory, `img_${k}.tif`)));
      }
    });
  });
});

test('the geometry is what was asked for: base-to-height, ground sample distance, epipolar lines along the columns', async (t) => {
  for (const split of ['symmetric', 'nadir'] as const) {
    await withScene({ size: 64, terrain: 'flat', samples: 1, baseToHeight: 0.4, split }, (_, manifest) => {
      const [pair] = manifest.pairs;
      t.true(Math.abs((pair?.baseToHeight ?? NaN) - 0.4) < 0.002);
      t.true(Math.abs(pair?.epipolarDirection.row ?? NaN) > 0.98);
      t.true(manifest.views.every((v) => v.gsdM > 0.499 && v.gsdM < 0.56 && v.rpcFit.maxPx < 0.01));
    });
  }
});

test('the truth is snapped to its resolution, and no-data where no image looks', async (t) => {
  await withScene({ size: 128, terrain: 'mountains', relief: 40, resolution: 1, samples: 1 }, (directory, { crs, grid, truth, heights }) => {
    const info = openInfo(join(directory, truth.dsm));
    t.is(info.crs, crs);
    t.is(grid.originE % 1, 0);
    t.is(grid.originN % 1, 0);
    const [dsm] = readBands(join(directory, truth.dsm));
    const [seen] = readBands(join(directory, truth.seen));
    const known = (dsm ?? new Float32Array()).filter(Number.isFinite);
    t.is(known.length, truth.coveredCells);
    t.true(known.length < grid.width * grid.height && known.every((z) => z > heights.groundLow - 1 && z < heights.groundHigh + 50));
    t.is((seen ?? new Float32Array()).filter(Number.isFinite).length, truth.seenCells);
  });
});

test('options that cannot be met are refused by name', async (t) => {
  await t.throwsAsync(makeScene({ directory: 'nowhere', size: 10 }), { code: 'bad-input', message: /size/ });
  await t.throwsAsync(makeScene({ directory: 'nowhere', size: 128, terrain: 'mountains', relief: 1000 }), { code: 'bad-input', message: /relief/ });
});

/** Median absolute DN difference of the cells both images see, the second image read `shift` pixels along its rows and columns aside. */
function radianceDifference(directory: string, { crs, grid, truth, views }: SceneManifest, shift: number): number {
  const [seen = new Float32Array()] = readBands(join(directory, truth.seen));
  const [a, b] = views.map((v) => ({ ...v, pixels: readBands(join(directory, v.file))[0] ?? new Float32Array(), rpc: readRpc(join(directory, v.file)).model }));
  if (a === undefined || b === undefined) return NaN;
  const cells = [...seen.keys()].filter((i) => Number.isFinite(seen[i]));
  const lonLat = transformPoints(crs, 'OGC:CRS84', Float64Array.from(cells.flatMap((i) => [
    grid.originE + ((i % grid.width) + 0.5) * grid.resolution, grid.originN - (Math.floor(i / grid.width) + 0.5) * grid.resolution,
  ])));
  const differences: number[] = [];
  cells.forEach((i, n) => {
    const ground = new Float64Array([lonLat[2 * n] ?? NaN, lonLat[2 * n + 1] ?? NaN, seen[i] ?? NaN]);
    const [va, vb] = [sample(a, a.rpc, ground, 0), sample(b, b.rpc, ground, shift)];
    if (Number.isFinite(va) && Number.isFinite(vb)) differences.push(Math.abs(va - vb));
  });
  return differences.sort((p, q) => p - q)[differences.length >> 1] ?? NaN;
}

function sample(image: { readonly pixels: Float32Array; readonly width: number; readonly height: number }, rpc: RpcModel, ground: Float64Array, shift: number): number {
  const at = rpcProject(rpc, ground);
  const [col, row] = [(at[0] ?? NaN) + shift, (at[1] ?? NaN) + shift];
  const [i, j] = [Math.floor(col), Math.floor(row)];
  if (i < 0 || j < 0 || i + 1 >= image.width || j + 1 >= image.height) return NaN;
  const [fx, fy] = [col - i, row - j];
  const p = (x: number, y: number): number => image.pixels[y * image.width + x] ?? NaN;
  return (p(i, j) * (1 - fx) + p(i + 1, j) * fx) * (1 - fy) + (p(i, j + 1) * (1 - fx) + p(i + 1, j + 1) * fx) * fy;
}
