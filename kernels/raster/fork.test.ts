// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import test from 'ava';

/** Asks for a CRS for the first time, in a thread, while the main thread starts programs. */
const program = `
  import { spawn } from 'node:child_process';
  import { once } from 'node:events';
  import { Worker } from 'node:worker_threads';
  const thread = new Worker('import("node:worker_threads").then(async ({ workerData }) => (await import(workerData)).crsInfo("EPSG:32719"))',
    { eval: true, workerData: process.argv[1] });
  let isDone = false;
  const done = once(thread, 'exit').then(() => { isDone = true; });
  while (!isDone) await once(spawn(process.execPath, ['--version'], { stdio: 'ignore' }), 'exit');
  await done;
  console.log('still here');`;

test('programs can be started while a thread uses PROJ for the first time', async (t) => {
  // In a group of its own, because a forked child that waits for ever must end with it.
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, new URL('index.js', import.meta.url).href],
    { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const giveUp = setTimeout(() => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, 20_000);
  const ended = once(child, 'exit');
  const said = await text(child.stdout);
  clearTimeout(giveUp);
  t.is(said, 'still here\n');
  t.deepEqual(await ended, [0, null]);
});
