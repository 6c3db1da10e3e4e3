// SPDX-License-Identifier: Apache-2.0
// A whole scene in a bucket: images read from it, ingested images, partial DSMs, ledger and products in it, over a network that fails.
import { copyFile, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { openStore } from '@altiplano/protocol/io';
import { newBucket, openFaultyProxy, openS3Server, seededFaults } from '@altiplano/protocol/testing';
import { makeScene } from '../scenes/make-scene.js';
import { runScene } from './run-altiplano.js';

const server = await openS3Server();
const test: TestFn = anyTest;
const seed = Number(process.env['ALTIPLANO_TEST_SEED'] ?? 20_240_607);

if (server === null) test('S3 tests are skipped: this machine has no S3 server', (t) => { t.pass(); });
else {
  test.after.always(() => server.stop());

  test(`a scene whose images and store are in a bucket comes out the same, over a network that fails (seed ${seed})`, async (t) => {
    t.timeout(300_000);
    const folder = await mkdtemp(join(tmpdir(), 'altiplano-s3-scene-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const town = await makeScene({ directory: join(folder, 'town'), terrain: 'city', size: 256, pointingError: [3], seed: 11 });
    const images = town.views.map((view) => join(folder, 'town', view.file));
    const options = ['--tile', '128', '--scene-id', 'town', '--agents', '2', '--keep-intermediates'];
    const here = join(folder, 'here');
    await runScene([...images, '--out', here, ...options], { showProgress: false });

    const proxy = await openFaultyProxy(server.endpoint, seededFaults(seed, 0.03, ['503', '500', 'refused', 'lost', 'cut']));
    t.teardown(() => proxy.close());
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: proxy.endpoint, AWS_ACCESS_KEY_ID: server.credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
    });
    const [input, output] = await Promise.all([newBucket(server), newBucket(server)]);
    const inputs = await openStore(`s3://${input}`);
    for (const image of images) {
      await copyFile(image, `${image}.copy`);
      await inputs.putFile(`images/${basename(image)}`, `${image}.copy`);
    }
    await inputs.close();
    const there = join(folder, 'there');
    const urls = images.map((image) => `s3://${input}/images/${basename(image)}`);
    const summary = await runScene([...urls, '--out', there, '--store', `s3://${output}/scenes-of-mine`, ...options], { showProgress: false });
    t.is(summary.state, 'done');
    t.true(proxy.requests.some(({ fault }) => fault !== null), 'something did fail');

    const rasters = (await readdir(here)).filter((name) => name.endsWith('.tif'));
    t.true(rasters.includes('dsm.tif'));
    const store = await openStore(`s3://${output}/scenes-of-mine`);
    t.teardown(() => store.close());
    for (const name of rasters) {
      const wanted = await readFile(join(here, name));
      t.true(wanted.equals(await readFile(join(there, name))), name);
      t.true(wanted.equals(await store.get(`scenes/town/products/${name}`)), `${name} in the store`);
    }
    const kept: string[] = [];
    for await (const key of store.list('scenes/town/')) kept.push(key.split('/')[2] ?? '');
    for (const part of ['images', 'partials', 'coarse', 'ledger', 'products', 'plan.json']) t.true(kept.includes(part), part);
    t.deepEqual((await readdir(join(there, '.altiplano'))).filter((name) => name === 'store'), [], 'nothing of the store is on this disk');
  });
}
