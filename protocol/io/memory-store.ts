// SPDX-License-Identifier: Apache-2.0
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { InputError, ObjectMissingError } from '../src/errors.js';
import type { ObjectStore } from './object-store.js';
import { checkKey, checkPrefix } from './store-key.js';

/** An object store in this process's memory, for tests. GDAL can't open its objects. */
export function openMemoryStore(): ObjectStore {
  const objects = new Map<string, Uint8Array>();

  function read(key: string): Uint8Array {
    checkKey(key);
    const bytes = objects.get(key);
    if (bytes === undefined) throw new ObjectMissingError(key);
    return bytes;
  }
  function write(key: string, bytes: Uint8Array): void {
    checkKey(key);
    objects.set(key, Uint8Array.from(bytes));
  }
  function writeIfAbsent(key: string, bytes: Uint8Array): boolean {
    checkKey(key);
    if (objects.has(key)) return false;
    write(key, bytes);
    return true;
  }

  return {
    url: 'memory:',
    async get(key, signal) {
      signal?.throwIfAborted();
      return read(key).slice();
    },
    async getRange(key, offset, length, signal) {
      signal?.throwIfAborted();
      return read(key).slice(offset, offset + length);
    },
    async size(key) { return read(key).length; },
    async has(key) {
      checkKey(key);
      return objects.has(key);
    },
    async put(key, bytes) { write(key, bytes); },
    async putIfAbsent(key, bytes) { return writeIfAbsent(key, bytes); },
    async putFile(key, path) {
      checkKey(key);
      write(key, await readFile(path));
      await rm(path);
    },
    async putFileIfAbsent(key, path) {
      checkKey(key);
      const isNew = writeIfAbsent(key, await readFile(path));
      await rm(path);
      return isNew;
    },
    async *list(prefix) {
      checkPrefix(prefix);
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix));
      yield* keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    },
    async delete(key) {
      checkKey(key);
      objects.delete(key);
    },
    scratchFolder: tmpdir(),
    gdalPath(key) {
      throw new InputError(`object ${key} is in a memory store, which GDAL can't open; use a file:// store`);
    },
    async gdalOptions() { return {}; },
    async close() { objects.clear(); },
  };
}
