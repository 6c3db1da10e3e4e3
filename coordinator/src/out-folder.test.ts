// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { InputError } from '@altiplano/protocol';
import { makeOutFolder } from './out-folder.js';

test('folders are made with their parents; files in the way and file systems that refuse are named', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-out-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await makeOutFolder(join(folder, 'a', 'b'));
  await makeOutFolder(join(folder, 'a', 'b'));
  t.true((await stat(join(folder, 'a', 'b'))).isDirectory());
  await writeFile(join(folder, 'file'), '');
  await t.throwsAsync(makeOutFolder(join(folder, 'file')), { instanceOf: InputError, message: /file is a file; choose a folder for --out/ });
  await t.throwsAsync(makeOutFolder(join(folder, 'file'), 'store'), { instanceOf: InputError, message: /^store: .*file is a file; choose a folder for --store/ });
  await t.throwsAsync(makeOutFolder(join(folder, 'file', 'below')), { instanceOf: InputError, message: /file is a file/ });
  await t.throwsAsync(makeOutFolder('/proc/altiplano/out'), { instanceOf: InputError, message: /nothing can be written to \/proc\/altiplano\/out/ });
});
