// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import fc from 'fast-check';
import { KernelArgumentError } from '../lib/errors.js';
import {
  closeAll, createTiled, crsInfo, makeCog, openInfo, RasterError, readBands, readRpc, readWindow, sampleRaster, transformPoints,
  writeGeoTiff, type RasterArray,
} from './index.js';
import { referenceData, sampleModel, temporaryFolder } from '../test/reference-data.js';

const sha = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
const ramp = (width: number, height: number): Float32Array => Float32Array.from({ length: width * height }, (_, i) => (i % width) + 1000 * Math.floor(i / width));

test('pixels of every type come back as they were, int32 and float64 as float32', (t) => {
  const folder = temporaryFolder(t);
  const cases: readonly (readonly [RasterArray, string, string])[] = [
    [Uint8Array.of(0, 1, 254, 255), 'Uint8Array', 'uint8'], [Uint16Array.of(0, 1, 4095, 65535), 'Uint16Array', 'uint16'],
    [Int16Array.of(-32768, -1, 0, 32767), 'Int16Array', 'int16'], [Float32Array.of(-1.5, 0, 1e30, 0.1), 'Float32Array', 'float32'],
    [Int32Array.of(-7, 0, 1, 100000), 'Float32Array', 'int32'], [Float64Array.of(-7.5, 0, 1, 2), 'Float32Array', 'float64'],
  ];
  for (const [data, arrayName, type] of cases) {
    const path = join(folder, `${type}.tif`);
    writeGeoTiff(path, { width: 2, height: 2, bands: [{ data }] });
    const window = readWindow(path, { band: 1 });
    t.is(window.data.constructor.name, arrayName);
    t.deepEqual([...window.data], [...data]);
    t.is(window.mask, null);
    t.is(openInfo(path).bands[0]?.type, type);
  }
});

test('a window is the same pixels as in the whole image', (t) => {
  const path = join(temporaryFolder(t), 'a.tif');
  writeGeoTiff(path, { width: 60, height: 40, bands: [{ data: ramp(60, 40) }, { data: ramp(60, 40).map((v) => -v) }] });
  const window = readWindow(path, { band: 2, rect: { col0: 57, row0: 38, width: 3, height: 2 } });
  t.deepEqual({ ...window, data: [...window.data] }, {
    data: [-38057, -38058, -38059, -39057, -39058, -39059], mask: null, col0: 57, row0: 38, width: 3, height: 2,
  });
});

test('a window, band or overview that is not there is refused by name', (t) => {
  const path = join(temporaryFolder(t), 'a.tif');
  writeGeoTiff(path, { width: 60, height: 40, bands: [{ data: ramp(60, 40) }] });
  for (const rect of [
    { col0: -1, row0: 0, width: 2, height: 2 }, { col0: 59, row0: 0, width: 2, height: 2 }, { col0: 0, row0: 39, width: 2, height: 2 },
    { col0: 0, row0: 0, width: 0, height: 2 }, { col0: 2147483647, row0: 0, width: 2147483647, height: 1 },
  ]) {
    const error = t.throws(() => readWindow(path, { band: 1, rect }), { instanceOf: RasterError, message: /leaves the image of 60 x 40/ });
    t.is(error?.path, path);
  }
  t.throws(() => readWindow(path, { band: 2 }), { instanceOf: RasterError, message: /has no band 2 \(it has 1\)/ });
  t.throws(() => readWindow(path, { band: 1, overview: 0 }), { instanceOf: RasterError, message: /has no overview 0/ });
  t.throws(() => readWindow(path, { band: 1, rect: { col0: 0.5, row0: 0, width: 1, height: 1 } }), { instanceOf: KernelArgumentError });
});

test('errors name the file, say what GDAL says, and print nothing', (t) => {
  const folder = temporaryFolder(t);
  const missing = join(folder, 'missing.tif');
  t.throws(() => openInfo(missing), { instanceOf: RasterError, message: `${missing}: can't be opened as a raster: No such file or directory` });
  const text = join(folder, 'text.tif');
  writeFileSync(text, 'this is not a raster');
  t.throws(() => openInfo(text), { instanceOf: RasterError, message: /text\.tif: can't be opened as a raster: .*not recognized/ });
  const cut = join(folder, 'cut.tif');
  writeGeoTiff(cut, { width: 600, height: 600, bands: [{ data: ramp(600, 600) }], compress: 'NONE' });
  writeFileSync(cut, readFileSync(cut).subarray(0, 700000));
  t.throws(() => readWindow(cut, { band: 1 }), { instanceOf: RasterError, message: /cut\.tif: the pixels can't be read/ });
});

test('the mask is what no-data value, NaN, mask band, mask file and alpha say together', (t) => {
  const folder = temporaryFolder(t);
  const at = (name: string): string => join(folder, name);
  const size = { width: 3, height: 2 };
  const maskOf = (name: string, maskPath?: string): number[] | null => {
    const { mask } = readWindow(at(name), { band: 1, ...(maskPath === undefined ? {} : { maskPath }) });
    return mask === null ? null : [...mask];
  };
  writeGeoTiff(at('nodata.tif'), { ...size, bands: [{ data: Uint16Array.of(7, 8, 7, 9, 0, 1), noData: 7 }] });
  t.deepEqual(maskOf('nodata.tif'), [0, 1, 0, 1, 1, 1]);
  writeGeoTiff(at('nan.tif'), { ...size, bands: [{ data: Float32Array.of(NaN, 8, 7, -32768, 0, 1), noData: -32768 }] });
  t.deepEqual(maskOf('nan.tif'), [0, 1, 1, 0, 1, 1]);
  writeGeoTiff(at('double.tif'), { ...size, bands: [{ data: Float64Array.of(0.1, 8, 7, NaN, 0, 1), noData: 0.1 }] });
  t.deepEqual(maskOf('double.tif'), [0, 1, 1, 0, 1, 1]);
  writeGeoTiff(at('nannodata.tif'), { ...size, bands: [{ data: Float32Array.of(NaN, 8, 7, 1, 0, NaN), noData: NaN }] });
  t.deepEqual(maskOf('nannodata.tif'), [0, 1, 1, 1, 1, 0]);
  writeGeoTiff(at('band.tif'), { ...size, bands: [{ data: Uint8Array.of(1, 2, 3, 4, 5, 6), noData: 2 }], mask: Uint8Array.of(1, 1, 1, 0, 1, 0) });
  t.deepEqual(maskOf('band.tif'), [1, 0, 1, 0, 1, 0]);
  t.true(openInfo(at('band.tif')).hasMask);
  writeGeoTiff(at('mask.tif'), { ...size, bands: [{ data: Uint8Array.of(0, 9, 1, 255, 1, 1) }] });
  t.deepEqual(maskOf('band.tif', at('mask.tif')), [0, 0, 1, 0, 1, 0]);
  writeGeoTiff(at('plain.tif'), { ...size, bands: [{ data: Uint8Array.of(1, 2, 3, 4, 5, 6), noData: 300 }] });
  t.is(maskOf('plain.tif'), null, 'a no-data value the type can not hold marks nothing');
  // An external mask, as GDAL's tools leave it beside an image.
  writeGeoTiff(at('plain.tif.msk'), { ...size, bands: [{ data: Uint8Array.of(0, 255, 255, 255, 255, 255) }], metadata: { INTERNAL_MASK_FLAGS_1: '2' } });
  closeAll();
  t.deepEqual(maskOf('plain.tif'), [0, 1, 1, 1, 1, 1]);
  writeGeoTiff(at('other.tif'), { width: 2, height: 2, bands: [{ data: new Uint8Array(4) }] });
  t.throws(() => maskOf('band.tif', at('other.tif')), { instanceOf: RasterError, message: /other\.tif: the mask has 2 x 2 pixels, its image .*band\.tif 3 x 2/ });
});

test('an image rewritten on disk is read anew', (t) => {
  const path = join(temporaryFolder(t), 'a.tif');
  writeGeoTiff(path, { width: 2, height: 1, bands: [{ data: Uint8Array.of(1, 2) }] });
  t.deepEqual([...readWindow(path, { band: 1 }).data], [1, 2]);
  writeGeoTiff(path, { width: 2, height: 1, bands: [{ data: Uint8Array.of(3, 4) }] });
  utimesSync(path, 0, 0);
  t.deepEqual([...readWindow(path, { band: 1 }).data], [3, 4]);
});

test('readBands gives float32 with NaN where a pixel is not valid', (t) => {
  const path = join(temporaryFolder(t), 'a.tif');
  writeGeoTiff(path, { width: 3, height: 1, bands: [{ data: Float32Array.of(1, -9999, 3), noData: -9999 }, { data: Uint16Array.of(4, 5, 6) }] });
  t.deepEqual(readBands(path).map((band) => [...band]), [[1, NaN, 3], [4, 5, 6]]);
  t.deepEqual(readBands(path, { col0: 1, row0: 0, width: 2, height: 1 }).map((band) => [...band]), [[NaN, 3], [5, 6]]);
});

test('a GeoTIFF keeps CRS with vertical part, geotransform, no-data, names, metadata and RPC; nothing else is left behind', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'a.tif');
  writeGeoTiff(path, {
    width: 3, height: 2, bands: [{ data: new Float32Array(6), description: 'height', noData: -32768 }, { data: new Float32Array(6), description: 'weight' }],
    crs: 'EPSG:32636+5773', geotransform: [319000, 0.5, 0, 3318000, 0, -0.5], metadata: { PAIR: '0_1' }, rpc: sampleModel,
  });
  const info = openInfo(path);
  t.like(info, { driver: 'GTiff', width: 3, height: 2, crs: 'EPSG:32636+5773', compression: 'DEFLATE', isTiled: false });
  t.deepEqual(info.geotransform, [319000, 0.5, 0, 3318000, 0, -0.5]);
  t.deepEqual(info.bands.map(({ noData, description }) => [noData, description]), [[-32768, 'height'], [-32768, 'weight']]);
  t.is(info.metadata['PAIR'], '0_1');
  t.is(readRpc(path).variant, 'geotiff-tag');
  t.deepEqual(readdirSync(folder), ['a.tif']);
});

test('the same pixels give the same bytes, and a failed write leaves the old file', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'a.tif');
  const write = (crs: string): void => writeGeoTiff(path, { width: 700, height: 600, bands: [{ data: ramp(700, 600) }], crs });
  write('EPSG:32636');
  const first = sha(path);
  write('EPSG:32636');
  t.is(sha(path), first);
  t.throws(() => write('EPSG:999999'), { instanceOf: RasterError, message: /EPSG:999999: isn't a CRS/ });
  t.is(sha(path), first);
  t.deepEqual(readdirSync(folder), ['a.tif']);
});

test('wrong arguments are refused before anything is written', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'a.tif');
  const data = new Uint8Array(4);
  t.throws(() => writeGeoTiff(path, { width: 2, height: 3, bands: [{ data }] }), { instanceOf: KernelArgumentError });
  t.throws(() => writeGeoTiff(path, { width: 2, height: 2, bands: [] }), { instanceOf: KernelArgumentError });
  t.throws(() => writeGeoTiff(path, { width: 2, height: 2, bands: [{ data, noData: 1 }, { data, noData: 2 }] }), { instanceOf: KernelArgumentError });
  t.throws(() => writeGeoTiff(path, { width: 2, height: 2, bands: [{ data }], geotransform: [1, 2] }), { instanceOf: KernelArgumentError });
  t.throws(() => transformPoints('EPSG:4326', 'EPSG:32636', new Float64Array(3)), { instanceOf: KernelArgumentError });
  t.deepEqual(readdirSync(folder), []);
});

for (const compress of ['DEFLATE', 'NONE'] as const) test(`a raster written block by block (${compress}) appears when it is closed; what was not written is no-data`, (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'a.tif');
  const options = {
    width: 100, height: 70, bands: [{ type: 'float32', noData: -32768, description: 'height' }, { type: 'float32' }],
    crs: 'EPSG:32636', geotransform: [300000, 1, 0, 3300000, 0, -1], blockSize: 32, compress,
  } as const;
  const raster = createTiled(path, options);
  raster.writeBlock(1, 32, 32, 3, 2, Float32Array.of(1, 2, 3, 4, 5, 6));
  raster.writeBlock(2, 99, 69, 1, 1, Float32Array.of(7));
  t.throws(() => raster.writeBlock(1, 98, 0, 3, 1, new Float32Array(3)), { instanceOf: RasterError, message: /leaves the raster/ });
  t.false(readdirSync(folder).includes('a.tif'));
  raster.close();
  raster.close();
  t.deepEqual(readdirSync(folder), ['a.tif']);
  const [height, other] = readBands(path);
  t.deepEqual([height?.[32 * 100 + 34], height?.[33 * 100 + 32], other?.[69 * 100 + 99]], [3, 4, 7]);
  t.is(height?.filter((value) => !Number.isNaN(value)).length, 6);
  t.like(openInfo(path), { isTiled: true, blockSize: { width: 32, height: 32 }, crs: 'EPSG:32636' });
  const dropped = createTiled(join(folder, 'b.tif'), options);
  dropped.discard();
  t.deepEqual(readdirSync(folder), ['a.tif']);
});

test('rectangles written in any order and over each other are what a raster without compression holds, and blocks of no-data take no room', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'a.tif');
  const [width, height] = [83, 50];
  const rects = fc.record({
    band: fc.integer({ min: 1, max: 2 }), col0: fc.nat(width - 1), row0: fc.nat(height - 1), wide: fc.integer({ min: 1, max: width }), high: fc.integer({ min: 1, max: height }),
    value: fc.constantFrom(7, 7, 8, 300), isFloat: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(rects, { maxLength: 6 }), fc.constantFrom(null, 7), (writes, noData) => {
    const expected = [1, 2].map(() => new Uint16Array(width * height).fill(noData ?? 0));
    const raster = createTiled(path, { width, height, bands: [{ type: 'uint16', noData }, { type: 'uint16', noData }], blockSize: 16, compress: 'NONE' });
    for (const { band, col0, row0, wide, high, value, isFloat } of writes) {
      const [columns, rows] = [Math.min(wide, width - col0), Math.min(high, height - row0)];
      raster.writeBlock(band, col0, row0, columns, rows, isFloat ? new Float32Array(columns * rows).fill(value) : new Uint16Array(columns * rows).fill(value));
      for (let row = row0; row < row0 + rows; row++) expected[band - 1]?.fill(value, row * width + col0, row * width + col0 + columns);
    }
    raster.close();
    t.deepEqual([1, 2].map((band) => readWindow(path, { band }).data), expected);
    if (expected.every((band) => band.every((value) => value === (noData ?? 0))) && writes.every(({ value }) => value === (noData ?? 0))) t.true(statSync(path).size < 4096);
  }));
});

test('makeCog keeps pixels, no-data, CRS and names, has overviews, and is the same bytes every time', (t) => {
  const folder = temporaryFolder(t);
  const source = join(folder, 'a.tif');
  const data = ramp(1300, 1100).map((value, i) => (i % 1300 < 650 && i < 1300 * 512 ? -32768 : value / 7));
  writeGeoTiff(source, { width: 1300, height: 1100, bands: [{ data, noData: -32768, description: 'height' }], crs: 'EPSG:32740', geotransform: [0, 0.5, 0, 0, 0, -0.5] });
  const shas = ['c1.tif', 'c2.tif', 'c3.tif'].map((name) => {
    makeCog(source, join(folder, name), { crs: 'EPSG:32740+5773' });
    return sha(join(folder, name));
  });
  t.is(new Set(shas).size, 1);
  const cog = join(folder, 'c1.tif');
  t.deepEqual(readBands(cog), readBands(source));
  const info = openInfo(cog);
  t.like(info, { crs: 'EPSG:32740+5773', isTiled: true, blockSize: { width: 512, height: 512 } });
  t.is(info.bands[0]?.description, 'height');
  t.deepEqual(info.overviews, [{ width: 650, height: 550 }, { width: 325, height: 275 }]);
  const { mask } = readWindow(cog, { band: 1, overview: 0 });
  t.is(mask?.reduce((sum, one) => sum + one, 0), 650 * 550 - 325 * 256);
  makeCog(source, join(folder, 'part.tif'), { srcWindow: { col0: 700, row0: 600, width: 30, height: 20 }, overviewResampling: 'NEAREST' });
  t.deepEqual(openInfo(join(folder, 'part.tif')).geotransform, [350, 0.5, 0, -300, 0, -0.5]);
  t.is(readWindow(join(folder, 'part.tif'), { band: 1 }).data[0], data[600 * 1300 + 700]);
  t.deepEqual(readdirSync(folder).sort(), ['a.tif', 'c1.tif', 'c2.tif', 'c3.tif', 'part.tif']);
});

test('points are projected with x east and y north, whatever the authority says', (t) => {
  // On a zone's central meridian the easting is 500 km, and on the equator the northing 0 (or 10,000 km in the south).
  const [e = NaN, n = NaN, e2 = NaN] = transformPoints('EPSG:4326', 'EPSG:32636', Float64Array.of(33, 0, 33, 30));
  t.true(Math.abs(e - 500000) < 1e-6 && Math.abs(n) < 1e-6 && Math.abs(e2 - 500000) < 1e-6);
  t.true(Math.abs((transformPoints('EPSG:4326', 'EPSG:32740', Float64Array.of(57, 0))[1] ?? NaN) - 1e7) < 1e-6);
  // The length of the meridian to 45 degrees on WGS84 is 4984944.378 m (Rapp 1991), times 0.9996.
  t.true(Math.abs((transformPoints('EPSG:4326', 'EPSG:32632', Float64Array.of(9, 45))[1] ?? NaN) - 0.9996 * 4984944.378) < 1e-3);
  const there = transformPoints('EPSG:4326', 'EPSG:32636+5773', Float64Array.of(31.13, 29.98, 31.14, 29.97));
  const back = transformPoints('EPSG:32636+5773', 'EPSG:4326', there);
  [31.13, 29.98, 31.14, 29.97].forEach((value, i) => t.true(Math.abs((back[i] ?? NaN) - value) < 1e-11));
  t.true(Number.isNaN(transformPoints('EPSG:4326', 'EPSG:32636', Float64Array.of(Infinity, 0))[0]));
  t.is(transformPoints('EPSG:4326', 'EPSG:32636', new Float64Array(0)).length, 0);
});

test('crsInfo knows projected, geographic, compound and feet', (t) => {
  t.like(crsInfo('EPSG:32636'), { isProjected: true, isCompound: false, unitM: 1, epsg: 32636, name: 'WGS 84 / UTM zone 36N' });
  t.like(crsInfo('EPSG:32636+5773'), { isProjected: true, isCompound: true, unitM: 1, epsg: 32636 });
  t.like(crsInfo('EPSG:4326'), { isProjected: false, isGeographic: true, unitM: null });
  t.true(Math.abs((crsInfo('EPSG:2263').unitM ?? 0) - 0.3048006096) < 1e-9);
  t.throws(() => crsInfo('no such thing'), { instanceOf: RasterError, message: /no such thing/ });
});

test('samples of a plane are exact between centres, and NaN outside or beside no-data', (t) => {
  const path = join(temporaryFolder(t), 'dem.tif');
  const data = Float32Array.from({ length: 30 }, (_, i) => 10 + 2 * (i % 6) + 5 * Math.floor(i / 6));
  data[4 * 6 + 5] = -1;
  writeGeoTiff(path, { width: 6, height: 5, bands: [{ data, noData: -1 }], crs: 'EPSG:32636', geotransform: [1000, 10, 0, 2000, 0, -10] });
  // Centre of cell (c, r): east 1005 + 10 c, north 1995 - 10 r.
  const at = (c: number, r: number): number[] => [1005 + 10 * c, 1995 - 10 * r];
  const values = sampleRaster(path, 1, 'EPSG:32636', Float64Array.from([...at(0, 0), ...at(2.25, 1.5), ...at(5, 0), ...at(4, 4), ...at(4.5, 4), ...at(5.1, 0), ...at(-0.1, 2)]));
  t.deepEqual([...values], [10, 10 + 4.5 + 7.5, 20, 38, NaN, NaN, NaN]);
  const geographic = transformPoints('EPSG:32636', 'EPSG:4326', Float64Array.from(at(2.25, 1.5)));
  t.true(Math.abs((sampleRaster(path, 1, 'EPSG:4326', geographic)[0] ?? NaN) - 22) < 1e-6);
});

test('a grid around the Earth joins at its edge, from -180 as from 0, with and without a repeated meridian', (t) => {
  const folder = temporaryFolder(t);
  for (const [first, columns] of [[-180, 36], [0, 36], [0, 37], [-180, 37]] as const) {
    const path = join(folder, `g${first}_${columns}.tif`);
    // A value that depends on the meridian only.
    const height = (lon: number): number => Math.round(100 * Math.cos((lon * Math.PI) / 180));
    const data = Float32Array.from({ length: columns * 3 }, (_, i) => height(first + 10 * (i % columns)));
    writeGeoTiff(path, { width: columns, height: 3, bands: [{ data }], crs: 'EPSG:4326', geotransform: [first - 5, 10, 0, 15, 0, -10] });
    const lons = [-180, -175, -5, 0, 5, 175, 180, 355];
    const values = sampleRaster(path, 1, 'EPSG:4326', Float64Array.from(lons.flatMap((lon) => [lon, 0])));
    lons.forEach((lon, i) => {
      const lower = Math.floor(lon / 10) * 10;
      const expected = height(lower) + ((lon - lower) / 10) * (height(lower + 10) - height(lower));
      t.true(Math.abs((values[i] ?? NaN) - expected) < 1e-4, `${first}, ${columns} columns, longitude ${lon}: ${values[i]} is not ${expected}`);
    });
  }
});

test('a grid around the Earth that lacks a column has no values between its last and its first', (t) => {
  const path = join(temporaryFolder(t), 'gap.tif');
  const data = Float32Array.from({ length: 35 * 3 }, (_, i) => i % 35);
  writeGeoTiff(path, { width: 35, height: 3, bands: [{ data }], crs: 'EPSG:4326', geotransform: [-5, 10, 0, 15, 0, -10] });
  // Centres from 0 to 340 degrees, the first row's at 10 degrees north.
  const values = sampleRaster(path, 1, 'EPSG:4326', Float64Array.from([335, 340, 345, -1, 0, -175].flatMap((lon) => [lon, 10])));
  t.deepEqual([...values], [33.5, 34, NaN, NaN, 0, 18.5]);
});

test('EGM96 at Giza is 15.43 m above the ellipsoid', (t) => {
  const geoid = referenceData(t, 'gizeh/egm96_15.gtx');
  if (geoid === null) return;
  const [undulation = NaN] = sampleRaster(geoid, 1, 'EPSG:4326', Float64Array.of(31.1349, 29.979));
  t.true(Math.abs(undulation - 15.43) < 0.03, String(undulation));
});

test('several worker threads read the same file at once', async (t) => {
  const path = join(temporaryFolder(t), 'a.tif');
  const data = ramp(900, 700);
  writeGeoTiff(path, { width: 900, height: 700, bands: [{ data }] });
  const index = fileURLToPath(new URL('./index.js', import.meta.url));
  const program = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.index).then((raster) => {
      let sum = 0;
      for (let k = 0; k < 200; k++) {
        const rect = { col0: (k * 37) % 800, row0: (k * 53) % 600, width: 100, height: 100 };
        for (const value of raster.readWindow(workerData.path, { band: 1, rect }).data) sum += value;
      }
      try { raster.openInfo('missing' + workerData.id); } catch (error) { parentPort.postMessage({ sum, message: error.message }); }
    });`;
  const answers = await Promise.all([1, 2, 3, 4].map((id) => new Promise<{ sum: number; message: string }>((resolve, reject) => {
    const worker = new Worker(program, { eval: true, workerData: { index: `file://${index}`, path, id } });
    worker.on('message', resolve);
    worker.on('error', reject);
  })));
  t.is(new Set(answers.map(({ sum }) => sum)).size, 1);
  answers.forEach(({ message }, i) => t.regex(message, new RegExp(`^missing${i + 1}: `)));
});
