// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { ingestImage, openInfo, RasterError, readWindow, writeGeoTiff } from './index.js';
import { temporaryFolder } from '../test/reference-data.js';

interface Level { readonly width: number; readonly height: number; readonly data: Float64Array }

/** The slow, obvious overview: each of its pixels is the area-weighted mean of the valid pixels under it; NaN = none. */
function reduced({ width: w, height: h, data }: Level): Level {
  const [width, height] = [Math.ceil(w / 2), Math.ceil(h / 2)];
  const [fx, fy] = [w / width, h / height];
  const out = new Float64Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0, area = 0;
      for (let j = Math.floor(y * fy); j < Math.min(h, Math.ceil((y + 1) * fy - 1e-9)); j++) {
        for (let i = Math.floor(x * fx); i < Math.min(w, Math.ceil((x + 1) * fx - 1e-9)); i++) {
          const value = data[j * w + i] ?? NaN;
          if (Number.isNaN(value)) continue;
          const weight = (Math.min(i + 1, (x + 1) * fx) - Math.max(i, x * fx)) * (Math.min(j + 1, (y + 1) * fy) - Math.max(j, y * fy));
          sum += weight * value;
          area += weight;
        }
      }
      out[y * width + x] = area > 1e-9 ? sum / area : NaN;
    }
  }
  return { width, height, data: out };
}

/** Pixels from a linear congruence in 100 … 1099; and a mask with a large hole, scattered holes and an empty right edge. */
function noise(width: number, height: number): { readonly data: Uint16Array; readonly mask: Uint8Array } {
  let state = 12345;
  const next = (): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 8;
  const data = Uint16Array.from({ length: width * height }, () => 100 + (next() % 1000));
  const mask = Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return (x > 33 && x < 151 && y > 20 && y < 110) || x > width - 9 || next() % 9 === 0 ? 0 : 1;
  });
  return { data, mask };
}

/** Compares full resolution exactly, and each overview with the one before it, within what rounding to whole numbers does. */
function checkLevels(t: import('ava').ExecutionContext, path: string, data: ArrayLike<number>, mask: Uint8Array, tolerance: number): void {
  const { width, height, overviews } = openInfo(path);
  const full = readWindow(path, { band: 1 });
  t.deepEqual([...(full.mask ?? new Uint8Array(width * height).fill(1))], [...mask]);
  t.true([...mask].every((valid, i) => valid === 0 || full.data[i] === data[i]));
  let level: Level = { width, height, data: Float64Array.from(mask, (valid, i) => (valid === 1 ? (data[i] ?? NaN) : NaN)) };
  overviews.forEach((size, overview) => {
    level = reduced(level);
    t.deepEqual({ width: level.width, height: level.height }, size);
    const window = readWindow(path, { band: 1, overview });
    const expected = level.data;
    const got = Float64Array.from(window.data, (value, i) => (window.mask === null || window.mask[i] === 1 ? value : NaN));
    t.true(got.every((value, i) => Number.isNaN(value) === Number.isNaN(expected[i] ?? NaN)), `validity of overview ${overview}`);
    t.true(got.every((value, i) => Number.isNaN(value) || Math.abs(value - (expected[i] ?? NaN)) <= tolerance), `values of overview ${overview}`);
    level = { ...level, data: got };
  });
}

const width = 301, height = 203;
const { data: pixels, mask: valid } = noise(width, height);
const painted = pixels.map((value, i) => (valid[i] === 1 ? value : 60000));

test('overviews halve while the smaller side has 32 pixels', (t) => {
  const folder = temporaryFolder(t);
  const sizes = (w: number, h: number): string => {
    writeGeoTiff(join(folder, 'a.tif'), { width: w, height: h, bands: [{ data: new Uint8Array(w * h).fill(9) }] });
    return ingestImage(join(folder, 'a.tif'), join(folder, 'b.tif')).overviews.map((o) => `${o.width}x${o.height}`).join(' ');
  };
  t.is(sizes(800, 801), '400x401 200x201 100x101 50x51');
  t.is(sizes(64, 64), '32x32');
  t.is(sizes(62, 62), '');
  t.is(sizes(1, 1), '');
  t.is(sizes(2000, 20), '');
  t.is(readWindow(join(folder, 'b.tif'), { band: 1 }).mask, null);
});

test('a mask band, a mask file, a no-data value and NaN all end as the same validity at every level', (t) => {
  const folder = temporaryFolder(t);
  const at = (name: string): string => join(folder, name);
  writeGeoTiff(at('mask.tif'), { width, height, bands: [{ data: valid }] });
  writeGeoTiff(at('band.tif'), { width, height, bands: [{ data: painted }], mask: valid });
  writeGeoTiff(at('file.tif'), { width, height, bands: [{ data: painted }] });
  writeGeoTiff(at('nodata.tif'), { width, height, bands: [{ data: painted, noData: 60000 }] });
  writeGeoTiff(at('nan.tif'), { width, height, bands: [{ data: Float32Array.from(pixels, (value, i) => (valid[i] === 1 ? value : NaN)) }] });
  writeGeoTiff(at('float.tif'), { width, height, bands: [{ data: Float32Array.from(painted), noData: 60000 }] });
  for (const name of ['band', 'file', 'nodata']) {
    const info = ingestImage(at(`${name}.tif`), at(`${name}-cog.tif`), name === 'file' ? { maskPath: at('mask.tif') } : {});
    t.like(info, { driver: 'GTiff', hasMask: true, blockSize: { width: 512, height: 512 }, compression: null });
    t.is(info.bands[0]?.type, 'uint16');
    checkLevels(t, at(`${name}-cog.tif`), pixels, valid, 0.5001);
  }
  for (const name of ['nan', 'float']) {
    t.is(ingestImage(at(`${name}.tif`), at(`${name}-cog.tif`)).bands[0]?.type, 'float32');
    checkLevels(t, at(`${name}-cog.tif`), pixels, valid, 0.001);
  }
  t.deepEqual(readdirSync(folder).filter((name) => /part|aux|ovr|msk|raw/.test(name)), []);
});

test('a stated band of a striped multi-band int16 image is taken, and another one refused', (t) => {
  const folder = temporaryFolder(t);
  const source = join(folder, 'a.tif');
  const second = Int16Array.from({ length: width * height }, (_, i) => (i % 2000) - 1000);
  writeGeoTiff(source, { width, height, bands: [{ data: new Int16Array(width * height) }, { data: second }], tiled: false });
  const info = ingestImage(source, join(folder, 'b.tif'), { band: 2 });
  t.is(info.bands.length, 1);
  checkLevels(t, join(folder, 'b.tif'), second, new Uint8Array(width * height).fill(1), 0.5001);
  t.throws(() => ingestImage(source, join(folder, 'c.tif'), { band: 3 }), { instanceOf: RasterError, message: /has no band 3/ });
  t.deepEqual(readdirSync(folder).sort(), ['a.tif', 'b.tif']);
});

test('ingest gives the same bytes every time', (t) => {
  const folder = temporaryFolder(t);
  const source = join(folder, 'a.tif');
  const large = noise(1500, 1300);
  writeGeoTiff(source, { width: 1500, height: 1300, bands: [{ data: large.data }], mask: large.mask });
  const bytes = [1, 2, 3].map((i) => {
    const target = join(folder, `${i}.tif`);
    ingestImage(source, target);
    return createHash('sha256').update(readFileSync(target)).digest('hex');
  });
  t.is(new Set(bytes).size, 1);
  checkLevels(t, join(folder, '1.tif'), large.data, large.mask, 0.5001);
});

test('JPEG 2000 is ingested', (t) => {
  const target = join(temporaryFolder(t), 'b.tif');
  const source = fileURLToPath(new URL('../../raster/fixtures/ramp.jp2', import.meta.url));
  const info = ingestImage(source, target);
  t.is(info.bands[0]?.type, 'uint16');
  const expected = Uint16Array.from({ length: 72 * 40 }, (_, i) => 100 + 8 * Math.floor((i % 72) / 8) + 16 * Math.floor(Math.floor(i / 72) / 8));
  checkLevels(t, target, expected, new Uint8Array(72 * 40).fill(1), 0.5001);
});

test('a DIMAP product of several files is ingested as one image', (t) => {
  const folder = temporaryFolder(t);
  const tile = (col0: number): Uint16Array => Uint16Array.from({ length: 40 * 30 }, (_, i) => col0 + (i % 40) + 100 * Math.floor(i / 40));
  writeGeoTiff(join(folder, 'IMG_X_P_R1C1.TIF'), { width: 40, height: 30, bands: [{ data: tile(0) }] });
  writeGeoTiff(join(folder, 'IMG_X_P_R1C2.TIF'), { width: 40, height: 30, bands: [{ data: tile(40) }] });
  writeFileSync(join(folder, 'DIM_X_P.XML'), `<?xml version="1.0"?><Dimap_Document>
    <Metadata_Identification><METADATA_FORMAT version="2.15">DIMAP</METADATA_FORMAT></Metadata_Identification><Raster_Data>
    <Data_Access><DATA_FILE_FORMAT>image/tiff</DATA_FILE_FORMAT><Data_Files>
    <Data_File tile_R="1" tile_C="1"><DATA_FILE_PATH href="IMG_X_P_R1C1.TIF"/></Data_File>
    <Data_File tile_R="1" tile_C="2"><DATA_FILE_PATH href="IMG_X_P_R1C2.TIF"/></Data_File></Data_Files></Data_Access>
    <Raster_Dimensions><NROWS>30</NROWS><NCOLS>80</NCOLS><NBANDS>1</NBANDS><Tile_Set><NTILES>2</NTILES><Regular_Tiling>
    <NTILES_SIZE nrows="30" ncols="40"/><NTILES_COUNT ntiles_R="1" ntiles_C="2"/><OVERLAP_ROW>0</OVERLAP_ROW><OVERLAP_COL>0</OVERLAP_COL>
    </Regular_Tiling></Tile_Set></Raster_Dimensions>
    <Raster_Encoding><DATA_TYPE>INTEGER</DATA_TYPE><NBITS>16</NBITS><SIGN>UNSIGNED</SIGN></Raster_Encoding></Raster_Data></Dimap_Document>`);
  const info = ingestImage(join(folder, 'DIM_X_P.XML'), join(folder, 'b.tif'));
  t.is(info.width, 80);
  checkLevels(t, join(folder, 'b.tif'), Float64Array.from({ length: 2400 }, (_, i) => (i % 80) + 100 * Math.floor(i / 80)), new Uint8Array(2400).fill(1), 0.5001);
});
