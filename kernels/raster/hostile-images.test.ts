// SPDX-License-Identifier: Apache-2.0
// What GDAL would take for a raster and we don't; what the tables of bad input show of programs is not repeated here.
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { KernelArgumentError } from '../lib/errors.js';
import { openInfo, RasterError, readBands, readWindow, writeGeoTiff } from './index.js';
import { temporaryFolder } from '../test/reference-data.js';

const seed = 20_261_123;
const size = { width: 64, height: 48 };

function image(t: ExecutionContext): { readonly folder: string; readonly path: string } {
  const folder = temporaryFolder(t);
  const path = join(folder, 'a.tif');
  writeGeoTiff(path, { ...size, bands: [{ data: Uint16Array.from({ length: 64 * 48 }, (_, i) => i) }] });
  return { folder, path };
}

const vrt = (source: string): string => '<VRTDataset rasterXSize="64" rasterYSize="48"><VRTRasterBand dataType="UInt16" band="1"><SimpleSource>'
  + `<SourceFilename relativeToVRT="0">${source}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>`;

test('names that are no files are refused before anything is opened', (t) => {
  const { path } = image(t);
  for (const name of [`/vsizip/${path}`, `/vsigzip/${path}`, `/vsisubfile/0_100,${path}`, '/vsicurl/http://127.0.0.1/a.tif', '/vsistdin/', '/vsigs/bucket/a.tif', '/vsimem/a.tif']) {
    t.throws(() => openInfo(name), { instanceOf: RasterError, message: /isn't read: give a file \(of an archive: unpacked\), or s3:\/\/bucket\/key$/ }, name);
  }
  for (const name of [vrt(path), `GTIFF_DIR:1:${path}`, `DERIVED_SUBDATASET:AMPLITUDE:${path}`, 'WMS:http://127.0.0.1', 'PG:host=127.0.0.1', '']) {
    t.throws(() => openInfo(name), { instanceOf: RasterError }, name);
  }
});

test('a pipe, which would never end, is refused', (t) => {
  const { folder } = image(t);
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  for (const name of [join(folder, 'pipe'), '/dev/zero']) t.throws(() => openInfo(name), { instanceOf: RasterError, message: /is neither a file nor a folder/ });
});

test('a VRT reads files, and neither archives, itself nor a server', async (t) => {
  const { folder, path } = image(t);
  let requests = 0;
  const server = createServer((_, response) => {
    requests++;
    response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/a.tif`;
  const wms = `<GDAL_WMS><Service name="TMS"><ServerUrl>${url}</ServerUrl></Service><DataWindow><UpperLeftX>0</UpperLeftX><UpperLeftY>1</UpperLeftY><LowerRightX>1</LowerRightX>`
    + '<LowerRightY>0</LowerRightY><TileLevel>0</TileLevel></DataWindow><Projection>EPSG:4326</Projection></GDAL_WMS>';
  writeFileSync(join(folder, 'good.vrt'), vrt(path));
  t.deepEqual(readWindow(join(folder, 'good.vrt'), { band: 1 }).data, readWindow(path, { band: 1 }).data);
  const names: string[] = [];
  for (const [name, text] of Object.entries({
    'curl.vrt': vrt(`/vsicurl/${url}`), 'streaming.vrt': vrt(`/vsicurl_streaming/${url}`), 'url.vrt': vrt(url), 'wms.vrt': vrt(wms.replaceAll('<', '&lt;')), 'wms.xml': wms,
    'zip.vrt': vrt(`/vsizip/${path}`), 'self.vrt': vrt(join(folder, 'self.vrt')),
  })) {
    names.push(join(folder, name));
    writeFileSync(join(folder, name), text);
  }
  // In a thread of its own: this one must answer, if it is asked.
  const worker = new Worker(`
    const { parentPort, workerData: { url, names } } = require('node:worker_threads');
    import(url).then(({ readWindow }) => parentPort.postMessage(names.map((name) => {
      try { readWindow(name, { band: 1 }); return null; } catch (error) { return error.name; }
    })));`, { eval: true, workerData: { url: new URL('./index.js', import.meta.url).href, names } });
  t.deepEqual((await once(worker, 'message'))[0], names.map(() => 'RasterError'));
  await worker.terminate();
  t.is(requests, 0, 'the server was asked');
});

test('a file with damaged bytes gives pixels or a RasterError', (t) => {
  const { folder, path } = image(t);
  const whole = readFileSync(path);
  const jp2 = readFileSync(new URL('../../raster/fixtures/ramp.jp2', import.meta.url));
  const broken = join(folder, 'broken');
  const damage = fc.tuple(fc.constantFrom(whole, jp2), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }), fc.option(fc.nat()));
  fc.assert(fc.property(damage, ([from, changes, cut]) => {
    const bytes = Uint8Array.from(from);
    // Most of what can be damaged to effect lies at the two ends.
    for (const [i, value] of changes) bytes[i % 3 === 0 ? bytes.length - 1 - (i % Math.min(400, bytes.length)) : i % Math.min(400, bytes.length)] = value;
    writeFileSync(broken, bytes.subarray(0, cut === null ? bytes.length : cut % bytes.length));
    try {
      const { width, height } = openInfo(broken);
      if (width * height < 1e7) readWindow(broken, { band: 1 });
      else readWindow(broken, { band: 1, rect: { col0: width - 1, row0: height - 1, width: 1, height: 1 } });
    } catch (error) {
      if (!(error instanceof RasterError)) throw error;
    }
  }), { seed, numRuns: 400 });
  t.pass();
});

test('a window with any numbers gives its pixels or an error that names them', (t) => {
  const { folder, path } = image(t);
  const mask = join(folder, 'mask.tif');
  copyFileSync(path, mask);
  const number = fc.oneof(fc.integer({ min: -3, max: 70 }), fc.constantFrom(NaN, Infinity, -Infinity, 0.5, -0, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53, -1e300));
  const request = fc.record({ col0: number, row0: number, width: number, height: number, band: number, overview: fc.option(number), hasMask: fc.boolean() });
  fc.assert(fc.property(request, ({ band, overview, hasMask, ...rect }) => {
    try {
      const window = readWindow(path, { band, rect, ...(overview !== null && { overview }), ...(hasMask && { maskPath: mask }) });
      if (window.data.length !== rect.width * rect.height || rect.col0 + rect.width > 64 || rect.row0 + rect.height > 48) throw new Error('another window');
    } catch (error) {
      if (!(error instanceof RasterError) && !(error instanceof KernelArgumentError)) throw error;
    }
  }), { seed, numRuns: 2000 });
  t.pass();
});

test('arrays to be filled that do not fit are not written to', (t) => {
  const { path } = image(t);
  const detached = new Float32Array(64 * 48);
  structuredClone(detached, { transfer: [detached.buffer] });
  for (const into of [new Float32Array(3), detached, new Float64Array(64 * 48) as unknown as Float32Array, new Uint8Array(64 * 48) as unknown as Float32Array]) {
    const [band] = readBands(path, null, [into]);
    t.is(band?.constructor.name, 'Float32Array');
    t.is(band?.length, 64 * 48);
    if (into.length > 0) t.true(into.every((value) => value === 0));
  }
});

test('a folder is no raster', (t) => {
  const { folder } = image(t);
  mkdirSync(join(folder, 'empty.tif'));
  t.throws(() => openInfo(join(folder, 'empty.tif')), { instanceOf: RasterError, message: /empty\.tif: can't be opened as a raster/ });
});
