// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { checkInversion, describeImage, drawHillshade, drawImage, drawPictures, formatImageInfo, openInfo, type PictureJob, RasterError, readWindow, writeGeoTiff, writePicture } from './index.js';
import { referenceData, sampleModel, temporaryFolder } from '../test/reference-data.js';

const band = (path: string, index: number): ArrayLike<number> => readWindow(path, { band: index }).data;

test('a PNG holds the bytes it was given', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'a.png');
  writePicture(path, 2, 1, Uint8Array.of(255, 0, 1, 255, 3, 4, 5, 0));
  t.deepEqual([1, 2, 3, 4].map((i) => Array.from(band(path, i))), [[255, 3], [0, 4], [1, 5], [255, 0]]);
  t.deepEqual(readdirSync(folder), ['a.png']);
});

test('a PNG has only the bands that its pixels need', (t) => {
  const path = join(temporaryFolder(t), 'a.png');
  const opaque = [200, 200, 200, 255], green = [0, 200, 0, 255], clear = [9, 9, 9, 0];
  for (const [pixels, bands] of [[[opaque, opaque], 1], [[opaque, clear], 2], [[opaque, green], 3], [[green, clear], 4]] as const) {
    writePicture(path, 1, 2, Uint8Array.from(pixels.flat()));
    const kept = bands === 1 ? [0] : bands === 2 ? [0, 3] : bands === 3 ? [0, 1, 2] : [0, 1, 2, 3];
    t.is(openInfo(path).bands.length, bands);
    t.deepEqual(kept.map((_, i) => Array.from(band(path, i + 1))), kept.map((i) => pixels.map((pixel) => pixel[i] ?? NaN)));
  }
});

test('pictures drawn together are those drawn alone, and small ones their means; a failure leaves none', (t) => {
  const folder = temporaryFolder(t);
  const at = (name: string): string => join(folder, name);
  const width = 601, height = 32;
  writeGeoTiff(at('a.tif'), { width, height, bands: [{ data: Float32Array.from({ length: width * height }, (_, i) => (i % width < 3 ? NaN : (i * 7) % 90)), noData: NaN }] });
  drawHillshade(at('a.tif'), at('heights.png'));
  drawImage(at('a.tif'), at('image.png'));
  const jobs = (source: string): PictureJob[] => [
    { of: 'heights', source, files: [{ path: at('heights2.png') }] },
    { of: 'image', source, files: [{ path: at('image2.png') }, { path: at('small.png'), maxSize: 301 }, { path: at('small.jpg') }] },
  ];
  t.throws(() => { drawPictures(jobs(at('none.tif')), 2); }, { instanceOf: RasterError, message: /none\.tif/ });
  t.deepEqual(readdirSync(folder).sort(), ['a.tif', 'heights.png', 'image.png']);
  drawPictures(jobs(at('a.tif')), 2);
  t.deepEqual(readdirSync(folder).sort(), ['a.tif', 'heights.png', 'heights2.png', 'image.png', 'image2.png', 'small.jpg', 'small.png']);
  for (const name of ['heights', 'image']) t.deepEqual(readFileSync(at(`${name}2.png`)), readFileSync(at(`${name}.png`)));
  t.like(openInfo(at('small.jpg')), { driver: 'JPEG', width: 301, height: 16 });
  const [grey, alpha, small, smallAlpha] = [band(at('image.png'), 1), band(at('image.png'), 2), band(at('small.png'), 1), band(at('small.png'), 2)];
  // Of the second square only the right column has pixels; the last one is a column alone.
  t.deepEqual([0, 1, 150].map((i) => smallAlpha[i]), [0, 128, 255]);
  t.is(small[1], Math.round(((grey[3] ?? NaN) + (grey[width + 3] ?? NaN)) / 2));
  t.is(small[100], Math.round([200, 201, width + 200, width + 201].reduce((sum, i) => sum + (grey[i] ?? NaN), 0) / 4));
  t.is(small[300], Math.round(((grey[600] ?? NaN) + (grey[width + 600] ?? NaN)) / 2));
  t.is(alpha[3], 255);
});

test('a JPEG shows light grey where a picture is transparent', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'a.jpg');
  writePicture(path, 16, 16, Uint8Array.from({ length: 16 * 16 * 4 }, (_, i) => (i % 64 < 32 ? 0 : [200, 80, 80, 255][i % 4] ?? 0)));
  t.like(openInfo(path), { driver: 'JPEG', width: 16, height: 16 });
  const [left, right] = [[1, 2, 3].map((i) => band(path, i)[0] ?? NaN), [1, 2, 3].map((i) => band(path, i)[15] ?? NaN)];
  const isNear = (colour: readonly number[], [r = NaN, g = NaN, b = NaN]: readonly number[]): boolean =>
    colour.every((value, i) => Math.abs(value - ([r, g, b][i] ?? NaN)) < 25);
  t.true(isNear(left, [195, 204, 214]) && isNear(right, [200, 80, 80]), `${left.join()} ${right.join()}`);
});

test('a quicklook spreads the 2nd to 98th percentile, hides what is not valid, and keeps within maxSize', (t) => {
  const folder = temporaryFolder(t);
  const source = join(folder, 'a.tif');
  const data = Uint16Array.from({ length: 400 * 100 }, (_, i) => (i % 400 < 40 ? 0 : 1000 + (i % 400)));
  writeGeoTiff(source, { width: 400, height: 100, bands: [{ data, noData: 0 }] });
  const png = join(folder, 'a.png');
  drawImage(source, png, { maxSize: 200 });
  t.like(openInfo(png), { driver: 'PNG', width: 200, height: 50 });
  const grey = band(png, 1), alpha = band(png, 2);
  t.deepEqual([alpha[0], alpha[19], alpha[20], alpha[199]], [0, 0, 255, 255]);
  t.deepEqual([grey[21], grey[199]], [0, 255]);
  t.true(Math.abs((grey[110] ?? NaN) - 127) < 3);
  t.deepEqual(readdirSync(folder).sort(), ['a.png', 'a.tif']);
});

test('a hillshade is brighter on the lit side, lighter with height, transparent without data, and twice as large for a small DSM', (t) => {
  const folder = temporaryFolder(t);
  const source = join(folder, 'dsm.tif');
  // A roof along north-south: falls to the west and to the east; a hole in the middle of the east side.
  const data = Float32Array.from({ length: 100 * 80 }, (_, i) => (i % 100 > 70 && i % 100 < 75 ? -32768 : 50 - Math.abs((i % 100) - 49.5)));
  writeGeoTiff(source, { width: 100, height: 80, bands: [{ data, noData: -32768 }], crs: 'EPSG:32636', geotransform: [0, 1, 0, 0, 0, -1] });
  const png = join(folder, 'dsm.png');
  drawHillshade(source, png);
  t.like(openInfo(png), { driver: 'PNG', width: 200, height: 160 });
  const at = (x: number): number[] => [1, 2, 3, 4].map((i) => band(png, i)[80 * 200 + x] ?? NaN);
  const sum = ([r = 0, g = 0, b = 0]: number[]): number => r + g + b;
  t.is(at(145)[3], 0);
  t.is(at(20)[3], 255);
  t.true(sum(at(60)) > sum(at(139)), 'the same height is brighter on the western slope: the light comes from the west and north');
  t.true(sum(at(90)) > sum(at(20)), 'higher is lighter on the same slope');
  t.deepEqual(readdirSync(folder).sort(), ['dsm.png', 'dsm.tif']);
  t.throws(() => drawHillshade(join(folder, 'none.tif'), png), { instanceOf: RasterError });
});

test('pictures of a DSM without any height, and of a flat one, are drawn all the same', (t) => {
  const folder = temporaryFolder(t);
  const size = { width: 20, height: 10 };
  writeGeoTiff(join(folder, 'empty.tif'), { ...size, bands: [{ data: new Float32Array(200).fill(NaN) }] });
  writeGeoTiff(join(folder, 'flat.tif'), { ...size, bands: [{ data: new Float32Array(200).fill(7) }] });
  drawHillshade(join(folder, 'empty.tif'), join(folder, 'empty.png'));
  drawHillshade(join(folder, 'flat.tif'), join(folder, 'flat.png'));
  t.true(Array.from(band(join(folder, 'empty.png'), 2)).every((alpha) => alpha === 0));
  t.is(new Set(Array.from(band(join(folder, 'flat.png'), 2))).size, 1);
});

test('pictures of numbers that single precision can hardly tell apart, and of infinite ones, are drawn all the same', (t) => {
  const folder = temporaryFolder(t);
  const of = (name: string, values: (i: number) => number): { readonly heights: string; readonly image: string } => {
    const [source, heights, image] = [join(folder, `${name}.tif`), join(folder, `${name}-heights.png`), join(folder, `${name}-image.png`)];
    writeGeoTiff(source, { width: 30, height: 20, bands: [{ data: Float32Array.from({ length: 600 }, (_, i) => values(i)) }] });
    drawHillshade(source, heights);
    drawImage(source, image);
    return { heights, image };
  };
  const flat = of('flat', () => 1e9);
  t.deepEqual(Array.from(new Set(Array.from(band(flat.image, 1)))), [0]);
  t.is(new Set(Array.from(band(flat.heights, 1))).size, 1);
  t.notThrows(() => of('wide', (i) => (i % 2 === 0 ? 3e38 : -3e38)));
  const infinite = of('infinite', (i) => (i === 0 ? Infinity : i === 599 ? -Infinity : i));
  const alpha = band(infinite.image, 2);
  t.deepEqual([alpha[0], alpha[1], alpha[598], alpha[599]], [0, 255, 255, 0]);
  t.is(band(infinite.heights, 4)[0], 0);
});

test('a picture reduced to a few pixels is the mean of the many that each of them stands for', (t) => {
  const folder = temporaryFolder(t);
  const [source, large, small] = [join(folder, 'a.tif'), join(folder, 'large.png'), join(folder, 'small.png')];
  writeGeoTiff(source, { width: 600, height: 600, bands: [{ data: Uint16Array.from({ length: 360_000 }, (_, i) => (i % 600 < 300 ? 900 : 1000)) }] });
  drawPictures([{ of: 'image', source, files: [{ path: large }, { path: small, maxSize: 2 }] }], 1);
  t.like(openInfo(small), { width: 2, height: 2 });
  t.deepEqual(Array.from(band(small, 1)), [0, 255, 0, 255]);
});

test('an image is described with its RPC, footprint, pixel size and inversion', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'a.tif');
  writeGeoTiff(path, { width: 600, height: 500, bands: [{ data: new Uint16Array(300000), noData: 0 }], rpc: sampleModel });
  const info = describeImage(path);
  t.like(info, { type: 'uint16', noData: 0, validity: ['no-data value 0'], rpcProblem: null });
  t.like(info.rpc, { variant: 'geotiff-tag', source: path, altitudeDomain: [-79.5, 320.5] });
  t.is(info.rpc?.footprint.length, 5);
  t.deepEqual(info.rpc?.footprint[0], info.rpc?.footprint[4]);
  // 0.0031 degrees of longitude at 30 degrees north are 299 m for 300.25 pixels; 0.0027 of latitude also 299 m, for 250.75.
  t.true(Math.abs((info.rpc?.gsdM.col ?? 0) - 299 / 300.25) < 0.02);
  t.true(Math.abs((info.rpc?.gsdM.row ?? 0) - 299 / 250.75) < 0.03);
  t.like(info.rpc?.inversion, { points: 243, failed: 0, ok: true });
  t.regex(formatImageInfo(info), /GeoTIFF RPC tag[^]*inverts +yes/);
});

test('an image without RPC, or with a bad one, is described with the reason', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'a.tif');
  writeGeoTiff(path, { width: 6, height: 5, bands: [{ data: new Uint8Array(30) }] });
  const info = describeImage(path);
  t.is(info.rpc, null);
  t.regex(info.rpcProblem ?? '', /has no RPC camera model/);
  t.regex(formatImageInfo(info), /RPC +.*has no RPC camera model/);
  t.throws(() => describeImage(path, { band: 2 }), { instanceOf: RasterError, message: /has no band 2/ });
  writeGeoTiff(join(folder, 'm.tif'), { width: 5, height: 5, bands: [{ data: new Uint8Array(25) }] });
  t.throws(() => describeImage(path, { maskPath: join(folder, 'm.tif') }), { instanceOf: RasterError, message: /m\.tif: the mask has 5 x 5/ });
});

test('an RPC that has no ground for its pixels does not invert', (t) => {
  const blind = { ...sampleModel, rowNum: sampleModel.colNum, rowDen: sampleModel.colDen, rowOff: sampleModel.colOff, rowScale: sampleModel.colScale };
  const inversion = checkInversion(blind, 600, 500, [0, 100]);
  t.false(inversion.ok);
  t.true(inversion.failed > 0);
});

for (const name of ['gizeh/img1.tif', 'gizeh/img2.tif', 's2p_pair/img_01.tif', 's2p_pair/img_02.tif']) {
  test(`the RPC of ${name} inverts to better than 1e-6 px over its domain`, (t) => {
    const path = referenceData(t, name);
    if (path === null) return;
    const { rpc } = describeImage(path);
    t.true(rpc?.inversion.ok);
    t.true((rpc?.inversion.worstPx ?? 1) < 1e-6);
    t.true((rpc?.gsdM.col ?? 0) > 0.49 && (rpc?.gsdM.col ?? 0) < 0.56 && (rpc?.gsdM.row ?? 0) > 0.49 && (rpc?.gsdM.row ?? 0) < 0.56);
  });
}
