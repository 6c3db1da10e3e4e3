// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { createTiled } from './index.js';

/** Reads the raster without end, in a thread; a reading takes longer than what surrounds it. */
const reader = `
  import { parentPort, workerData } from 'node:worker_threads';
  const [door, path] = workerData;
  const { readWindow } = await import(door);
  parentPort.postMessage('reading');
  for (;;) readWindow(path, { band: 1 });`;

/** A program of its own, since what is tested for would end it: ends such threads at different moments. */
const program = `
  import { Worker } from 'node:worker_threads';
  for (let i = 0; i < 25; i++) {
    const thread = new Worker(${JSON.stringify(reader)}, { eval: true, workerData: process.argv.slice(1) });
    await new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject));
    await new Promise((resolve) => setTimeout(resolve, i));
    await thread.terminate();
  }
  console.log('still here');`;

test('a thread that is ended inside a native call ends alone, and not the process', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-ended-thread-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'large.tif');
  const size = 1024;
  const raster = createTiled(path, {
    width: size, height: size, crs: 'EPSG:32719', geotransform: [0, 1, 0, 0, 0, -1], blockSize: 512, compress: 'NONE', bands: [{ type: 'float32', noData: null, description: 'any' }],
  });
  for (const row0 of [0, 512]) for (const col0 of [0, 512]) raster.writeBlock(1, col0, row0, 512, 512, new Float32Array(512 * 512));
  raster.close();
  const door = new URL('index.js', import.meta.url).href;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, door, path], { timeout: 60_000 });
  t.is(stdout, 'still here\n');
});
