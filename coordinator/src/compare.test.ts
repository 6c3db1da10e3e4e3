// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openInfo, readWindow, transformPoints, writeGeoTiff } from '@altiplano/kernels/raster';
import { dataPath } from '@altiplano/kernels/testing';
import { InputError } from '@altiplano/protocol';
import test, { type ExecutionContext } from 'ava';
import { type CompareInputs, compareDsms } from './compare.js';
import { comparisonTable } from './commands/compare.js';

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-compare-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Hills of 40 m, smooth at the scale of cells. */
const hills = (e: number, n: number): number =>
  100 + 12 * Math.sin(e / 17) + 9 * Math.cos(n / 23) + 6 * Math.sin((e + 2 * n) / 31) + 3 * Math.cos((e - n) / 9);

/** Pseudo-random, 0 to 1. */
const noise = (col: number, row: number): number => Math.abs(Math.sin(col * 12.9898 + row * 78.233) * 43758.5453) % 1;

interface Grid { readonly e0: number; readonly n0: number; readonly cell: number; readonly width: number; readonly height: number }
const grid: Grid = { e0: 500_000, n0: 3_300_000, cell: 0.5, width: 240, height: 200 };

function write(path: string, { e0, n0, cell, width, height }: Grid, heightAt: (e: number, n: number, col: number, row: number) => number, crs = 'EPSG:32636'): string {
  const data = new Float32Array(width * height);
  for (let row = 0; row < height; row++) {
    for (let col = 0; col < width; col++) {
      const h = heightAt(e0 + (col + 0.5) * cell - 500_000, n0 - (row + 0.5) * cell - 3_300_000, col, row);
      data[row * width + col] = Number.isNaN(h) ? -32768 : h;
    }
  }
  writeGeoTiff(path, { width, height, crs, geotransform: [e0, cell, 0, n0, 0, -cell], bands: [{ data, noData: -32768 }] });
  return path;
}

test('a known shift in east, north and height is found to a fiftieth of a cell', async (t) => {
  const folder = await folderOf(t);
  const reference = write(join(folder, 'reference.tif'), grid, hills);
  for (const [east, north, up] of [[0.8, -0.35, 1.7], [-2.4, 1.9, 0], [0.05, 0.02, -0.3]] as const) {
    const dsm = write(join(folder, 'dsm.tif'), grid, (e, n) => hills(e - east, n - north) + up);
    const { shift, afterShift, ...measured } = compareDsms({ dsm, reference });
    t.true(Math.hypot(shift.eastM - east, shift.northM - north) < 0.01, `${shift.eastM}, ${shift.northM}`);
    t.true(Math.abs(shift.heightM - up) < 0.01, `${shift.heightM}`);
    t.true(afterShift.nmad < 0.02 && afterShift.nmad <= measured.nmad);
    t.true(Math.abs(afterShift.median - up) < 0.01, 'only the planimetric shift is removed');
  }
});

test('outliers, holes and noise leave the shift found', async (t) => {
  const folder = await folderOf(t);
  const reference = write(join(folder, 'reference.tif'), grid, hills);
  const dsm = write(join(folder, 'dsm.tif'), grid, (e, n, col, row) => {
    const random = noise(col, row);
    if (random < 0.1) return NaN;
    return hills(e - 0.7, n + 0.4) + (random > 0.95 ? 40 : 0.4 * (random - 0.525));
  });
  const { shift, completeness } = compareDsms({ dsm, reference });
  t.true(Math.hypot(shift.eastM - 0.7, shift.northM + 0.4) < 0.05, `${shift.eastM}, ${shift.northM}`);
  t.true(completeness > 0.88 && completeness < 0.92);
});

test('a town whose walls hide the ground on their western and southern sides is not shifted', async (t) => {
  const folder = await folderOf(t);
  // Houses of 8 x 8 m with hipped roofs, 16 m apart, on level ground.
  const town = (e: number, n: number): number => {
    const [x, y] = [((e % 16) + 16) % 16, ((n % 16) + 16) % 16];
    const out = Math.max(Math.abs(x - 8), Math.abs(y - 8));
    return out >= 4 ? 100 : 103.5 - 0.5 * out;
  };
  const reference = write(join(folder, 'reference.tif'), grid, town);
  // Roofs hang over to the west and south, by up to a metre, and lose nothing on their other sides.
  const dsm = write(join(folder, 'dsm.tif'), grid, (e, n, col, row) => {
    const [ground, beside] = [town(e, n), Math.max(town(e + 0.5, n), town(e, n + 0.5), town(e + 1, n + 1))];
    return (beside > ground + 1 ? beside : ground) + 0.2 * (noise(row, col) - 0.5);
  });
  const { shift } = compareDsms({ dsm, reference });
  t.deepEqual([shift.eastM, shift.northM], [0, 0]);
  t.true(Math.abs(shift.heightM) < 0.03);
});

test('flat ground tells no position: only the height is shifted', async (t) => {
  const folder = await folderOf(t);
  const reference = write(join(folder, 'reference.tif'), grid, () => 50);
  const dsm = write(join(folder, 'dsm.tif'), grid, () => 51.25);
  t.deepEqual(compareDsms({ dsm, reference }).shift, { eastM: 0, northM: 0, heightM: 1.25 });
});

test('equal grids are compared cell by cell, to the bit', async (t) => {
  const folder = await folderOf(t);
  const reference = write(join(folder, 'reference.tif'), grid, (_e, _n, col) => (col % 4 === 3 ? NaN : col));
  const dsm = write(join(folder, 'dsm.tif'), grid, (_e, _n, col, row) => (col % 4 === 0 ? NaN : row % 10 === 0 ? col + 8 : col + 0.5));
  const comparison = compareDsms({ dsm, reference });
  t.true(Math.abs(comparison.completeness - 2 / 3) < 1e-12);
  t.true(Math.abs(comparison.completenessWithin1m - 0.6) < 1e-12);
  t.is(comparison.median, 0.5);
  t.is(comparison.medianAbs, 0.5);
  t.is(comparison.nmad, 0);
  t.true(Math.abs(comparison.mean - 1.25) < 1e-12);
  t.true(Math.abs(comparison.rmse - Math.sqrt(0.1 * 64 + 0.9 * 0.25)) < 1e-12);
  t.is(comparison.p99, 8);
});

test('a grid shifted by half a cell is averaged exactly, and no-data does not bleed', async (t) => {
  const folder = await folderOf(t);
  const reference = write(join(folder, 'reference.tif'), grid, (e, n) => 3 * e + 2 * n);
  const shifted = { ...grid, e0: grid.e0 - 0.25, n0: grid.n0 + 0.25, width: grid.width + 1, height: grid.height + 1 };
  const plane = write(join(folder, 'plane.tif'), shifted, (e, n) => 3 * e + 2 * n + 0.25);
  const whole = compareDsms({ dsm: plane, reference });
  t.is(whole.completeness, 1);
  t.true(Math.abs(whole.median - 0.25) < 1e-4 && whole.p99 < 0.2501);
  // A hole of one cell stays a hole of one cell; the three other reference cells it touches are means of what is left.
  const holed = write(join(folder, 'holed.tif'), shifted, (e, n, col, row) => (col === 50 && row === 50 ? NaN : 3 * e + 2 * n));
  const comparison = compareDsms({ dsm: holed, reference });
  t.is(comparison.completeness, 1 - 1 / (240 * 200));
  t.true(comparison.rmse < 0.01);
});

test('rasters in other CRSs are sampled where the reference\'s cells are', async (t) => {
  const folder = await folderOf(t);
  const dsm = write(join(folder, 'dsm.tif'), grid, (e, n) => hills(e, n) + 0.5);
  const [lon = NaN, lat = NaN] = transformPoints('EPSG:32636', 'EPSG:4326', Float64Array.of(500_010, 3_299_990));
  const [width, height, step] = [100, 100, 5e-6];
  const points = Float64Array.from({ length: 2 * width * height }, (_, i) => {
    const cell = i >> 1;
    return i % 2 === 0 ? lon + ((cell % width) + 0.5) * step : lat - (Math.floor(cell / width) + 0.5) * step;
  });
  const utm = transformPoints('EPSG:4326', 'EPSG:32636', points);
  const data = Float32Array.from({ length: width * height }, (_, i) => hills((utm[2 * i] ?? NaN) - 500_000, (utm[2 * i + 1] ?? NaN) - 3_300_000));
  const reference = join(folder, 'reference.tif');
  writeGeoTiff(reference, { width, height, crs: 'EPSG:4326', geotransform: [lon, step, 0, lat, 0, -step], bands: [{ data }] });
  const comparison = compareDsms({ dsm, reference });
  t.is(comparison.completeness, 1);
  t.true(Math.abs(comparison.median - 0.5) < 0.01 && comparison.nmad < 0.02);
  t.true(Math.hypot(comparison.shift.eastM, comparison.shift.northM) < 0.03);
});

test('a mask says which cells of the reference count', async (t) => {
  const folder = await folderOf(t);
  const reference = write(join(folder, 'reference.tif'), grid, () => 10);
  const dsm = write(join(folder, 'dsm.tif'), grid, (e) => (e < 60 ? 10.5 : 90));
  const mask = write(join(folder, 'mask.tif'), { ...grid, cell: 1, width: 120, height: 100 }, (e) => (e < 60 ? 255 : 0));
  const comparison = compareDsms({ dsm, reference, mask });
  t.is(comparison.rmse, 0.5);
  t.is(comparison.completeness, 1);
  t.throws(() => compareDsms({ dsm, reference, mask: write(join(folder, 'none.tif'), grid, () => 0) }), { instanceOf: InputError, message: /none\.tif/ });
});

test('the difference map is blue where the DSM is lower and red where it is higher', async (t) => {
  const folder = await folderOf(t);
  const reference = write(join(folder, 'reference.tif'), grid, (_e, _n, _col, row) => (row < 10 ? NaN : 10));
  const dsm = write(join(folder, 'dsm.tif'), grid, (_e, _n, col) => (col < 80 ? 9 : col < 160 ? NaN : 11));
  const png = join(folder, 'maps', 'map.png');
  t.is(compareDsms({ dsm, reference, png }).png, png);
  const info = openInfo(png);
  t.deepEqual([info.width, info.height], [240, 200]);
  const at = (col: number, row: number): number[] => [1, 2, 3].map((band) => readWindow(png, { band, rect: { col0: col, row0: row, width: 1, height: 1 } }).data[0] ?? NaN);
  const [[lowR = 0, , lowB = 0], [highR = 0, , highB = 0]] = [at(20, 100), at(200, 100)] as const;
  t.true(lowB > lowR && highR > highB);
  t.deepEqual(at(120, 100), [96, 96, 96]);
  t.deepEqual(at(120, 5), [214, 214, 214]);
});

test('nothing in common is a result, files that cannot be used are errors that name them', async (t) => {
  const folder = await folderOf(t);
  const reference = write(join(folder, 'reference.tif'), grid, () => 10);
  const far = write(join(folder, 'far.tif'), { ...grid, e0: 600_000 }, () => 10);
  const nothing = compareDsms({ dsm: far, reference });
  t.is(nothing.completeness, 0);
  t.is(nothing.median, NaN);
  t.true(comparisonTable(nothing).includes('0.00 %'));
  t.throws(() => compareDsms({ dsm: join(folder, 'absent.tif'), reference }), { message: /absent\.tif/ });
  const empty = write(join(folder, 'empty.tif'), grid, () => NaN);
  t.throws(() => compareDsms({ dsm: reference, reference: empty }), { instanceOf: InputError, message: /empty\.tif/ });
  const plain = join(folder, 'plain.tif');
  writeGeoTiff(plain, { width: 2, height: 2, bands: [{ data: new Float32Array(4) }] });
  t.throws(() => compareDsms({ dsm: plain, reference }), { instanceOf: InputError, message: /plain\.tif.*geotransform/ });
});

// The figures of others for the same rasters: s2p run twice, and OTB's DSM on a grid half a cell away.
test('real DSMs: the figures measured by others come out', (t) => {
  const pair = dataPath(t.log, 's2p_pair');
  if (pair === null) return t.pass();
  const against = (dsm: string): CompareInputs => ({ dsm: join(pair, dsm), reference: join(pair, 'expected_dsm.tif') });
  const s2p = compareDsms(against('peer_s2p_dsm_rerun.tif'));
  t.is(s2p.completeness.toFixed(3), '0.925');
  t.is(s2p.mean.toFixed(3), '-0.024');
  t.is(s2p.median.toFixed(3), '-0.023');
  t.is(s2p.nmad.toFixed(2), '0.22');
  t.is(s2p.p99.toFixed(2), '0.86');
  t.is((s2p.completenessWithin1m / s2p.completeness).toFixed(3), '0.995');
  const otb = compareDsms(against('peer_otb_dsm.tif'));
  t.is(otb.completeness.toFixed(3), '0.732');
  t.true(Math.abs(otb.median + 0.87) < 0.05 && Math.abs(otb.nmad - 0.7) < 0.05);
});
