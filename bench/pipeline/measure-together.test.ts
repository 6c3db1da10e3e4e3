// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { measureTogether } from './measure-together.js';

test('where runs at the same time fail, the program says why', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-bench-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const requests = ['one', 'two'].map((name) => ({ images: [join(folder, 'absent.tif'), join(folder, 'absent.tif')], out: join(folder, name), agents: 1, cores: null, memoryMb: null }));
  await t.throwsAsync(measureTogether(requests), { message: /exit code 2[^]*absent\.tif/ });
});
