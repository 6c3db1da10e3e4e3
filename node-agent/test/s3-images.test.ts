// SPDX-License-Identifier: Apache-2.0
// GDAL reads from a bucket what the store put there, with what the store tells it.
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { writeGeoTiff } from '@altiplano/kernels/raster';
import { type ObjectStore, openStore } from '@altiplano/protocol/io';
import { type Fault, type ProxiedRequest, newBucket, openFaultyProxy, openS3Server } from '@altiplano/protocol/testing';

const server = await openS3Server();
const test: TestFn = anyTest;
const side = 2048;

interface Read { readonly sums: readonly number[]; readonly error: { readonly message: string; readonly retry: string } | null }

/** Reads windows of images in a thread of its own: GDAL waits for its answers, and the proxy of this thread must give them. */
function readInThread(options: Readonly<Record<string, string>>, names: readonly string[], tries: number): Promise<Read> {
  const program = `
    const { parentPort, workerData: { url, options, names, tries } } = require('node:worker_threads');
    import(url).then(({ configureGdal, readWindow, openInfo }) => {
      configureGdal(options);
      const sums = [];
      let failure = null;
      for (const name of names) {
        for (let i = 0; i < tries; i++) {
          try {
            const { data } = readWindow(name, { band: 1, rect: { col0: 700, row0: 900, width: 300, height: 200 } });
            sums.push(data.reduce((sum, value) => sum + value, 0));
            failure = null;
            break;
          } catch (error) { failure = { message: error.message, retry: error.retry }; }
        }
      }
      parentPort.postMessage({ sums, error: failure });
    });`;
  return new Promise((resolve, reject) => {
    const url = import.meta.resolve('@altiplano/kernels/raster');
    const worker = new Worker(program, { eval: true, workerData: { url, options, names, tries } });
    worker.on('message', resolve);
    worker.on('error', reject);
  });
}

if (server === null) test('S3 tests are skipped: this machine has no S3 server', (t) => { t.pass(); });
else {
  const s3 = server;
  const { endpoint, credentials } = s3;
  test.after.always(() => s3.stop());
  const pixels = new Uint16Array(side * side).map((_, i) => (i * 7919) % 60_000);
  let wanted = 0;
  for (let row = 900; row < 1100; row++) for (let col = 700; col < 1000; col++) wanted += pixels[row * side + col] ?? 0;

  /** A store with an image of 8 MB at images/0.tif, and what GDAL must be told to reach it by a proxy. */
  async function imageBehind(t: ExecutionContext, faultOf: (request: ProxiedRequest, number: number) => Fault | null) {
    const folder = await mkdtemp(join(tmpdir(), 'altiplano-s3-images-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    process.env['AWS_ENDPOINT_URL_S3'] = endpoint;
    process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId;
    process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey;
    const store: ObjectStore = await openStore(`s3://${await newBucket(s3)}/scenes`);
    t.teardown(() => store.close());
    const path = join(folder, 'image.tif');
    writeGeoTiff(path, { width: side, height: side, bands: [{ data: pixels }], compress: 'NONE' });
    await copyFile(path, `${path}.copy`);
    await store.putFile('images/0.tif', `${path}.copy`);
    const proxy = await openFaultyProxy(endpoint, faultOf);
    t.teardown(() => proxy.close());
    const options = { ...await store.gdalOptions(), AWS_S3_ENDPOINT: new URL(proxy.endpoint).host, GDAL_HTTP_RETRY_DELAY: '0.01', GDAL_HTTP_LOW_SPEED_TIME: '1' };
    return { store, proxy, options, name: store.gdalPath('images/0.tif') };
  }

  test.serial('a window of an image in a bucket costs its blocks, not the image, by either of its names', async (t) => {
    const { proxy, options, name } = await imageBehind(t, () => null);
    t.deepEqual(await readInThread(options, [name], 1), { sums: [wanted], error: null });
    const bytes = proxy.requests.reduce((sum, request) => sum + rangeBytes(request), 0);
    t.true(bytes > 300 * 200 * 2 && bytes < 1.5e6, `${bytes} bytes asked for in ${proxy.requests.length} requests`);
    t.true(proxy.requests.every(({ path }) => !path.includes('list-type') && !path.includes('delimiter')), 'nothing is listed');
    t.deepEqual((await readInThread(options, [name.replace('/vsis3/', 's3://')], 1)).sums, [wanted]);
  });

  for (const fault of ['503', '500', 'refused', 'cut', 'lost', 'stalled'] as const) {
    test.serial(`pixels are right or an error to try again after: ${fault}`, async (t) => {
      let reads = 0;
      const { options, name } = await imageBehind(t, () => (fault === 'stalled' ? reads++ === 1 : reads++ % 3 === 1) ? fault : null);
      const { sums, error } = await readInThread(options, [name], 8);
      t.is(error, null, error?.message);
      t.deepEqual(sums, [wanted]);
    });
  }

  test.serial('an object that is missing, or not ours to read, is an error that names it and may pass', async (t) => {
    const { options, name } = await imageBehind(t, () => null);
    const missing = await readInThread(options, [`${name}.missing`], 1);
    t.regex(missing.error?.message ?? '', /images\/0\.tif\.missing/);
    t.is(missing.error?.retry, 'later');
    const refused = await readInThread({ ...options, AWS_SECRET_ACCESS_KEY: 'wrong' }, [name], 1);
    t.regex(refused.error?.message ?? '', /images\/0\.tif.*(403|SignatureDoesNotMatch|signature)/i);
    t.deepEqual((await readInThread(options, [name], 1)).sums, [wanted], 'and readable with the right ones');
  });
}

/** Bytes a ranged request asks for. */
function rangeBytes({ method, headers }: ProxiedRequest): number {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
  return method !== 'GET' ? 0 : from === undefined || to === undefined ? side * side * 2 : Number(to) - Number(from) + 1;
}
