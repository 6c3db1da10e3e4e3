// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { InputError } from '@altiplano/protocol';
import { lockFolder } from './lock-folder.js';

test('a folder is one run\'s at a time, and free again when that has ended or died', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-lock-'));
  try {
    const unlock = await lockFolder(folder);
    await t.throwsAsync(lockFolder(folder), { instanceOf: InputError, message: new RegExp(`another run \\(process ${process.pid}\\) .* delete ${join(folder, 'run.pid')}`) });
    await unlock();
    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'exit');
    await writeFile(join(folder, 'run.pid'), `${dead.pid}\n`);
    await (await lockFolder(folder))();
  } finally {
    await rm(folder, { recursive: true });
  }
});
