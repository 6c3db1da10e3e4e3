// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestFn } from 'ava';
import { InputError, ObjectMissingError } from '../src/index.js';
import type { ObjectStore } from '../io/index.js';

const bytesOf = (text: string): Uint8Array => Buffer.from(text);
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

async function keysUnder(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.list(prefix)) keys.push(key);
  return keys;
}

/** What every object store promises. `openEmpty` gives each test a store of its own. */
export function testObjectStore(test: TestFn, name: string, openEmpty: () => Promise<ObjectStore>): void {
  const title = (text: string): string => `${name} store: ${text}`;

  test(title('what was put comes back, and put replaces'), async (t) => {
    const store = await openEmpty();
    await store.put('a/b.json', bytesOf('one'));
    t.is(textOf(await store.get('a/b.json')), 'one');
    await store.put('a/b.json', bytesOf('two'));
    t.is(textOf(await store.get('a/b.json')), 'two');
    t.true(await store.has('a/b.json'));
    await store.put('empty', new Uint8Array());
    t.is((await store.get('empty')).length, 0);
  });

  test(title('a missing object says which key'), async (t) => {
    const store = await openEmpty();
    await store.put('a/b', bytesOf('x'));
    for (const key of ['nothing', 'a', 'a/b/c', 'a/c']) {
      t.false(await store.has(key), key);
      const error = await t.throwsAsync(store.get(key), { instanceOf: ObjectMissingError }, key);
      t.true(error.message.includes(key));
      await t.throwsAsync(store.getRange(key, 0, 1), { instanceOf: ObjectMissingError }, key);
    }
  });

  test(title('of 50 that put one absent key at once exactly one wins, and its bytes stay'), async (t) => {
    const store = await openEmpty();
    const won = await Promise.all(Array.from({ length: 50 }, (_, i) => store.putIfAbsent('race/key', bytesOf(`writer ${i}`))));
    t.is(won.filter(Boolean).length, 1);
    t.is(textOf(await store.get('race/key')), `writer ${won.indexOf(true)}`);
    t.false(await store.putIfAbsent('race/key', bytesOf('late')));
    t.deepEqual(await keysUnder(store, ''), ['race/key']);
  });

  test(title('readers beside replacing writers see whole objects only'), async (t) => {
    const store = await openEmpty();
    const whole = (i: number): Uint8Array => new Uint8Array(300_000).fill(i);
    await store.put('k', whole(0));
    const writes = (async () => { for (let i = 1; i <= 20; i++) await store.put('k', whole(i)); })();
    for (let i = 0; i < 40; i++) {
      const bytes = await store.get('k');
      t.is(bytes.length, 300_000);
      t.is(bytes[0], bytes[299_999]);
    }
    await writes;
  });

  test(title('files are published by moving them in, once where asked'), async (t) => {
    const store = await openEmpty();
    const folder = await mkdtemp(join(store.scratchFolder, 'altiplano-store-test-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const path = join(folder, 'x.tif');
    await writeFile(path, 'first');
    await store.putFile('images/0.tif', path);
    t.is(textOf(await store.get('images/0.tif')), 'first');
    await t.throwsAsync(stat(path), { code: 'ENOENT' });
    await writeFile(path, 'second');
    t.false(await store.putFileIfAbsent('images/0.tif', path));
    await t.throwsAsync(stat(path), { code: 'ENOENT' });
    t.is(textOf(await store.get('images/0.tif')), 'first');
    await writeFile(path, 'third');
    t.true(await store.putFileIfAbsent('images/1.tif', path));
    await t.throwsAsync(store.putFile('images/2.tif', join(folder, 'missing.tif')));
    t.deepEqual(await keysUnder(store, ''), ['images/0.tif', 'images/1.tif']);
  });

  test(title('of 8 that publish a file under one absent key exactly one wins, and its bytes stay'), async (t) => {
    const store = await openEmpty();
    const folder = await mkdtemp(join(store.scratchFolder, 'altiplano-store-test-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const won = await Promise.all(Array.from({ length: 8 }, async (_, i) => {
      const path = join(folder, `${i}`);
      await writeFile(path, `writer ${i}`);
      return store.putFileIfAbsent('race/file', path);
    }));
    t.is(won.filter(Boolean).length, 1);
    t.is(textOf(await store.get('race/file')), `writer ${won.indexOf(true)}`);
    t.deepEqual(await readdir(folder), [], 'the files of the others are gone, too');
  });

  test(title('a range is cut at the object\'s end'), async (t) => {
    const store = await openEmpty();
    await store.put('r', bytesOf('0123456789'));
    t.is(textOf(await store.getRange('r', 2, 3)), '234');
    t.is(textOf(await store.getRange('r', 8, 5)), '89');
    t.is((await store.getRange('r', 10, 5)).length, 0);
    t.is((await store.getRange('r', 99, 5)).length, 0);
    t.is((await store.getRange('r', 3, 0)).length, 0);
    t.is(await store.size('r'), 10);
    await t.throwsAsync(store.size('s'), { instanceOf: ObjectMissingError });
  });

  test(title('more than 1,000 keys are listed in byte order, under any prefix'), async (t) => {
    const store = await openEmpty();
    const keys = ['a.tif', 'a/b', 'a0', 'A', 'a/b.c', 'a-1', 'ä', 'z/\u{1f5fb}', 'z/\uff5e'];
    for (let i = 0; i < 1100; i++) keys.push(`many/${i % 7}/tile${i}.json`);
    for (let i = 0; i < keys.length; i += 100) await Promise.all(keys.slice(i, i + 100).map((key) => store.put(key, bytesOf('x'))));
    const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    t.deepEqual(await keysUnder(store, ''), sorted);
    for (const prefix of ['a', 'a/', 'a/b', 'many/3/tile1', 'many/', 'nothing/here', 'many/3/tile10.json/x']) {
      t.deepEqual(await keysUnder(store, prefix), sorted.filter((key) => key.startsWith(prefix)), prefix);
    }
  });

  test(title('deleting is final and may be repeated'), async (t) => {
    const store = await openEmpty();
    await store.put('a/b', bytesOf('x'));
    await store.delete('a/b');
    await store.delete('a/b');
    t.false(await store.has('a/b'));
    t.deepEqual(await keysUnder(store, 'a'), []);
    t.true(await store.putIfAbsent('a/b', bytesOf('y')));
  });

  test(title('keys that would leave the store or hide in it are refused'), async (t) => {
    const store = await openEmpty();
    for (const key of ['', '/etc/passwd', '../x', 'a/../../x', 'a/..', '.', 'a//b', 'a/', 'a\\b', 'a\0b', '.staging/x', 'k'.repeat(901), `a/${'k'.repeat(251)}`, 'a\ud800b', 'a\nb', 'a/./b']) {
      await t.throwsAsync(async () => store.put(key, bytesOf('x')), { instanceOf: InputError }, key);
      await t.throwsAsync(async () => store.get(key), { instanceOf: InputError }, key);
      await t.throwsAsync(async () => store.putIfAbsent(key, bytesOf('x')), { instanceOf: InputError }, key);
      t.throws(() => store.gdalPath(key), { instanceOf: InputError }, key);
    }
    await t.throwsAsync(() => keysUnder(store, '../'), { instanceOf: InputError });
  });

  test(title('nothing in a key is decoded, and any letters may be in it'), async (t) => {
    const store = await openEmpty();
    const keys = ['a/%2e%2e/b', '%2F', 'a b+c&d=e?f#g', '\u00fc/\u65e5\u672c', '...', '~', 'a*b', `a/${'k'.repeat(250)}`].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const key of keys) await store.put(key, bytesOf(key));
    for (const key of keys) t.is(textOf(await store.get(key)), key);
    t.deepEqual(await keysUnder(store, ''), keys);
  });

  test(title('an aborted read throws the abort'), async (t) => {
    const store = await openEmpty();
    await store.put('a', bytesOf('x'));
    await t.throwsAsync(store.get('a', AbortSignal.abort()), { any: true, name: 'AbortError' });
  });
}
