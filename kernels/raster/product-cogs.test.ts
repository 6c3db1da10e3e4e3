// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openInfo } from './info.js';
import { type ProductCogs, type ProductLayer, writeProductCogs } from './product-cogs.js';
import { readWindow } from './read.js';
import { writeGeoTiff } from './write.js';

const noHeight = -32768;
const names: readonly ProductLayer[] = ['dsm', 'confidence', 'count', 'spread', 'validity'];
/** Three tiles and a bit across, two down: an odd pyramid of three levels. */
const [width, height] = [1553, 1031];
const rect = { col0: 5, row0: 3, width, height };
const isHole = (col: number, row: number): boolean => (col * 7 + row * 13) % 11 === 0;
const heightOf = (col: number, row: number): number => 1200 + 0.25 * col - 0.125 * row;

const [fullWidth, fullHeight] = [width + 9, height + 4];
/** The merged grid's cells: heights, and confidence, count and spread in their steps. */
const heights = new Float32Array(fullWidth * fullHeight).fill(noHeight);
const others = [128, 3, 64].map((value) => ({ value, data: new Uint16Array(fullWidth * fullHeight) }));
for (let i = 0; i < heights.length; i++) {
  const [col, row] = [(i % fullWidth) - rect.col0, Math.floor(i / fullWidth) - rect.row0];
  if (isHole(col, row)) continue;
  heights[i] = heightOf(col, row);
  for (const { value, data } of others) data[i] = value;
}

async function request(t: ExecutionContext): Promise<ProductCogs> {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-products-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const [merged, cells] = [join(folder, 'merged.tif'), join(folder, 'cells.tif')];
  const shape = { width: fullWidth, height: fullHeight, tiled: true, compress: 'NONE' } as const;
  writeGeoTiff(merged, { ...shape, bands: [{ data: heights, noData: noHeight }] });
  writeGeoTiff(cells, { ...shape, bands: others.map(({ data }) => ({ data })) });
  const layer = (name: ProductLayer) =>
    [name, { path: join(folder, `${name}.tif`), crs: 'EPSG:32636', description: name, metadata: { LAYER: name } }] as const;
  return {
    merged, cells, owned: Int32Array.of(0, 0, fullWidth, fullHeight, 1), rect, grid: { originE: 1000, originN: 5000, resolution: 0.5, width, height }, crs: 'EPSG:32636', geoid: null, roi: null, seen: [],
    histogram: { from: 1000, to: 2000, bins: 100 }, compress: 'ZSTD', scratchDir: folder, threads: 1,
    layers: Object.fromEntries(names.map(layer)) as unknown as ProductCogs['layers'],
  };
}

test('layers hold the cells, their overviews the means of what is there, and the tally says what was written', async (t) => {
  const options = await request(t);
  const tally = writeProductCogs(options);
  const info = openInfo(options.layers.dsm.path);
  t.like(info, { width, height, crs: 'EPSG:32636', isTiled: true, compression: 'ZSTD', geotransform: [1000, 0.5, 0, 5000, 0, -0.5] });
  t.is(info.metadata['LAYER'], 'dsm');
  t.deepEqual(info.overviews, [{ width: 777, height: 516 }, { width: 389, height: 258 }]);
  const { data: dsm } = readWindow(options.layers.dsm.path, { band: 1 });
  const { data: validity } = readWindow(options.layers.validity.path, { band: 1 });
  let valid = 0;
  for (let cell = 0; cell < width * height; cell++) {
    const [col, row] = [cell % width, Math.floor(cell / width)];
    if (!isHole(col, row)) valid++;
    if (dsm[cell] !== (isHole(col, row) ? noHeight : heightOf(col, row)) || validity[cell] !== Number(isHole(col, row))) t.fail(`${col}, ${row}`);
  }
  t.deepEqual(tally.reasons, [valid, width * height - valid, 0, 0, 0]);
  t.is(tally.points, 3 * valid);
  t.is(tally.sumConfidence, 0.5 * valid);
  t.is(tally.bins.reduce((a, b) => a + b, 0), valid);

  const { data: half } = readWindow(options.layers.dsm.path, { band: 1, overview: 0 });
  for (const [col, row] of [[0, 0], [300, 200], [776, 515], [400, 515]] as const) {
    const below = [0, 1].flatMap((y) => [0, 1].map((x) => [2 * col + x, 2 * row + y] as const))
      .filter(([x, y]) => x < width && y < height && !isHole(x, y)).map(([x, y]) => heightOf(x, y));
    t.true(Math.abs((half[row * 777 + col] ?? NaN) - below.reduce((a, b) => a + b, 0) / below.length) <= 0.5 / 1024, `${col}, ${row}`);
  }
});

test('a hole says why by the rectangle that owns it, and is outside where none does', async (t) => {
  const options = await request(t);
  // Columns and rows of the merged grid: two rectangles side by side down to row 600, one below that ends at column 900.
  writeProductCogs({ ...options, owned: Int32Array.of(0, 0, 700, 600, 1, 700, 0, 900, 600, 3, 0, 600, 900, 500, 1) });
  const { data } = readWindow(options.layers.validity.path, { band: 1 });
  const reasonOf = (col: number, row: number): number => {
    if (!isHole(col, row)) return 0;
    const [mergedCol, mergedRow] = [col + rect.col0, row + rect.row0];
    if (mergedRow < 600) return mergedCol < 700 ? 1 : 3;
    return mergedCol < 900 ? 1 : 2;
  };
  t.is(data.findIndex((reason, i) => reason !== reasonOf(i % width, Math.floor(i / width))), -1);
});

test('heights are published above the geoid that each cell lies on', async (t) => {
  const options = await request(t);
  const geoid = join(options.scratchDir, 'geoid.tif');
  const undulation = (e: number, n: number): number => 20 + 0.01 * (e - 1000) - 0.02 * (n - 5000);
  // An inclined plane, sampled every 200 m around the grid.
  writeGeoTiff(geoid, {
    width: 8, height: 6, crs: 'EPSG:32636', geotransform: [800, 200, 0, 5200, 0, -200],
    bands: [{ data: Float32Array.from({ length: 48 }, (_, i) => undulation(900 + 200 * (i % 8), 5100 - 200 * Math.floor(i / 8))) }],
  });
  writeProductCogs({ ...options, geoid, threads: 2 });
  const { data } = readWindow(options.layers.dsm.path, { band: 1 });
  const errorAt = (i: number): number => {
    const [col, row] = [i % width, Math.floor(i / width)];
    return isHole(col, row) ? 0 : Math.abs((data[i] ?? NaN) - heightOf(col, row) + undulation(1000.25 + 0.5 * col, 4999.75 - 0.5 * row));
  };
  t.is(data.findIndex((_, i) => !(errorAt(i) <= 0.5 / 1024 + 1e-4)), -1);
  t.throws(() => writeProductCogs({ ...options, geoid, grid: { ...options.grid, originE: 50_000 } }), { message: /geoid\.tif: the geoid doesn't cover the scene/ });
});

/** 11 MB of tiles, which the spool gives up in several pieces while they move into the file. */
test('a layer of many megabytes holds every cell it was given', async (t) => {
  const options = await request(t);
  const side = 2100;
  let state = 1;
  const noise = Float32Array.from({ length: side * side }, () => 1000 + ((state = Math.imul(state, 1_664_525) + 1_013_904_223) >>> 12) / 1024);
  const shape = { width: side, height: side, tiled: true, compress: 'NONE' } as const;
  writeGeoTiff(options.merged, { ...shape, bands: [{ data: noise, noData: noHeight }] });
  writeGeoTiff(options.cells, { ...shape, bands: [1, 2, 3].map((value) => ({ data: new Uint16Array(side * side).fill(value) })) });
  writeProductCogs({
    ...options, owned: Int32Array.of(0, 0, side, side, 1), rect: { col0: 0, row0: 0, width: side, height: side }, grid: { ...options.grid, width: side, height: side }, threads: 2,
  });
  const { path } = options.layers.dsm;
  t.true((await stat(path)).size > 10e6);
  const { data } = readWindow(path, { band: 1 });
  t.is(noise.findIndex((value, i) => data[i] !== value), -1);
  t.is(openInfo(path).overviews.length, 3);
  t.notThrows(() => [0, 1, 2].map((overview) => readWindow(path, { band: 1, overview })));
});

test('the bytes are the same for any number of threads, and nothing else is left behind', async (t) => {
  const options = await request(t);
  const bytes = (): Promise<Buffer[]> => Promise.all(names.map((name) => readFile(options.layers[name].path)));
  const tally = writeProductCogs(options);
  const one = await bytes();
  for (const threads of [2, 5]) {
    t.deepEqual(writeProductCogs({ ...options, threads }), tally);
    t.deepEqual(await bytes(), one);
  }
  t.deepEqual((await readdir(options.scratchDir)).sort(), [...names.map((name) => `${name}.tif`), 'cells.tif', 'merged.tif'].sort());
});

test('overviews come before the full resolution, and directories before all tiles, as readers of parts want it', async (t) => {
  const options = await request(t);
  writeProductCogs({ ...options, compress: 'DEFLATE' });
  const file = await readFile(options.layers.count.path);
  t.is(file.readUInt16LE(2), 42);
  const starts: number[] = [];
  let last = 0;
  for (let at = file.readUInt32LE(4); at !== 0;) {
    const entries = file.readUInt16LE(at);
    last = Math.max(last, at);
    for (let entry = at + 2; entry < at + 2 + 12 * entries; entry += 12) {
      if (file.readUInt16LE(entry) !== 324) continue;
      const [count, value] = [file.readUInt32LE(entry + 4), file.readUInt32LE(entry + 8)];
      const places = count === 1 ? [value] : Array.from({ length: count }, (_, i) => file.readUInt32LE(value + 4 * i));
      t.deepEqual(places, places.toSorted((a, b) => a - b));
      starts.push(places[0] ?? NaN);
    }
    at = file.readUInt32LE(at + 2 + 12 * entries);
  }
  t.is(starts.length, 3);
  t.deepEqual(starts, starts.toSorted((a, b) => b - a));
  t.true(starts.every((start) => start > last));
});

test('a merged DSM that is not there is an error that names it, and leaves no file', async (t) => {
  const options = await request(t);
  const missing = join(options.scratchDir, 'missing.tif');
  t.throws(() => writeProductCogs({ ...options, merged: missing, threads: 3 }), { name: 'RasterError', message: /missing\.tif/ });
  t.deepEqual(await readdir(options.scratchDir), ['cells.tif', 'merged.tif']);
});
