// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { InputError, ServiceUnavailableError } from '../src/index.js';
import { openExistingStore, openFileStore, openMemoryStore, openStore } from '../io/index.js';
import { testObjectStore } from './object-store-conformance.js';

const folders: string[] = [];
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-store-test-'));
  folders.push(folder);
  return folder;
}
test.after.always(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

testObjectStore(test, 'file', async () => openFileStore(await newFolder()));
testObjectStore(test, 'memory', async () => openMemoryStore());

async function listAll(t: ExecutionContext, folder: string): Promise<string[]> {
  const store = await openFileStore(folder);
  t.teardown(() => store.close());
  const keys: string[] = [];
  for await (const key of store.list('')) keys.push(key);
  return keys;
}

test('file store: what a crashed writer left is never listed, and swept a day later', async (t) => {
  const folder = await newFolder();
  await mkdir(join(folder, '.staging'));
  await writeFile(join(folder, '.staging', 'fresh'), 'half an obj');
  await writeFile(join(folder, '.staging', 'old'), 'half an obj');
  await utimes(join(folder, '.staging', 'old'), new Date(0), new Date(0));
  t.deepEqual(await listAll(t, folder), []);
  t.deepEqual(await readdir(join(folder, '.staging')), ['fresh']);
});

test.serial('file store: a program whose clock is days ahead sweeps nothing that others are writing', async (t) => {
  const folder = await newFolder();
  await mkdir(join(folder, '.staging'));
  await writeFile(join(folder, '.staging', 'young'), '');
  const now = Date.now;
  t.teardown(() => { Date.now = now; });
  Date.now = () => now() + 3 * 24 * 3600 * 1000;
  await (await openFileStore(folder)).close();
  t.deepEqual(await readdir(join(folder, '.staging')), ['young']);
});

test('file store: a failed write leaves nothing behind', async (t) => {
  const folder = await newFolder();
  const store = await openFileStore(folder);
  await store.put('a', Buffer.from('x'));
  // 'a' is a file, so 'a/b' can't be made.
  const error = await t.throwsAsync(store.put('a/b', Buffer.from('y')), { instanceOf: ServiceUnavailableError });
  t.regex(error.message, /a\/b/);
  t.deepEqual(await readdir(join(folder, '.staging')), []);
});

test('file store: of several processes that put one absent key exactly one wins', async (t) => {
  const folder = await newFolder();
  const index = new URL('../io/index.js', import.meta.url).href;
  const program = `
    import { openFileStore } from ${JSON.stringify(index)};
    const store = await openFileStore(${JSON.stringify(folder)});
    console.log('ready');
    await new Promise((go) => process.stdin.once('data', go));
    let won = 0;
    for (let i = 0; i < 40; i++) if (await store.putIfAbsent('k/' + i, Buffer.from(process.argv[1]))) won++;
    console.log(won);
    process.exit(0);`;
  const children = [1, 2, 3].map((id) => spawn(process.execPath, ['--input-type=module', '-e', program, String(id)], { stdio: ['pipe', 'pipe', 'inherit'] }));
  await Promise.all(children.map((child) => once(child.stdout, 'data')));
  const counts = children.map((child) => once(child.stdout, 'data').then(([line]) => Number(String(line))));
  for (const child of children) child.stdin.write('go\n');
  const total = (await Promise.all(counts)).reduce((sum, n) => sum + n, 0);
  t.is(total, 40);
  t.is((await listAll(t, folder)).length, 40);
});

test('openStore takes a file URL or a path, and says what it can\'t open', async (t) => {
  const folder = await newFolder();
  const byUrl = await openStore(pathToFileURL(join(folder, 'with space')).href);
  const byPath = await openStore(join(folder, 'with space'));
  await byUrl.put('x', Buffer.from('1'));
  t.true(await byPath.has('x'));
  t.is(byUrl.url, byPath.url);
  t.is(byPath.gdalPath('x'), join(folder, 'with space', 'x'));
  await t.throwsAsync(openStore('gopher://x'), { instanceOf: InputError });
  await t.throwsAsync(openStore('file://otherhost/x'), { instanceOf: InputError });
  await t.throwsAsync(openStore(''), { instanceOf: InputError });
});

test('who looks into a store makes none: a folder that is not there is told', async (t) => {
  const folder = await newFolder();
  for (const url of [join(folder, 'typo'), pathToFileURL(join(folder, 'typo')).href]) {
    await t.throwsAsync(openExistingStore(url), { instanceOf: InputError, message: `store ${url}: there is no such folder` });
  }
  t.deepEqual(await readdir(folder), []);
  t.is((await openExistingStore(folder)).url, pathToFileURL(folder).href);
});
