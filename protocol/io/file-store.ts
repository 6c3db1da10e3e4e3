// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import {
  closeSync, constants, fsync, linkSync, mkdirSync, openSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync,
} from 'node:fs';
import { copyFile, mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { AltiplanoError, ObjectMissingError, ServiceUnavailableError, messageOf } from '../src/errors.js';
import type { ObjectStore } from './object-store.js';
import { removeStale } from './scratch-folder.js';
import { checkKey, checkPrefix, stagingFolder } from './store-key.js';

/**
 * A folder as an object store: an object is a plain file under the root, so that anyone can look at it.
 *
 * An object is written to `.staging`, synced to disk, and then published under its name by rename(2), or by
 * link(2) where it must not replace: both are atomic across processes, and link fails where the name is taken.
 * A writer that dies leaves only a file in `.staging`. Needs a file system with hard links.
 */
export async function openFileStore(folder: string): Promise<ObjectStore> {
  const root = resolve(folder);
  const staging = join(root, stagingFolder);
  await translated('open', root, async () => {
    await mkdir(staging, { recursive: true });
    await removeStale(staging);
  });

  const pathOf = (key: string): string => {
    checkKey(key);
    return `${root}/${key}`;
  };
  const own = randomUUID();
  let stagedFiles = 0;
  const newStagingPath = (): string => `${staging}/${own}.${stagedFiles++}`;

  /** Makes `path` visible as `key`; false where `mayReplace` is not set and the key is taken. Either way `path` is gone. */
  function publish(key: string, path: string, mayReplace: boolean): boolean {
    const target = pathOf(key);
    const move = (): boolean => (mayReplace ? (renameSync(path, target), true) : isLinked(path, target));
    try {
      return move();
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      mkdirSync(dirname(target), { recursive: true });
      return move();
    }
  }

  // Small writes go through the system calls at once: on their way through the thread pool each call would cost twice what it does.
  // Only what waits for the disk, waits there.
  function putNow(key: string, bytes: Uint8Array, mayReplace: boolean): boolean {
    const path = newStagingPath();
    try {
      writeFileSync(path, bytes, { flag: 'wx' });
      return publish(key, path, mayReplace);
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    }
  }

  function putBytes(key: string, bytes: Uint8Array, mayReplace: boolean, isRepeatable: boolean): boolean | Promise<boolean> {
    return isRepeatable ? translatedNow('write', key, () => putNow(key, bytes, mayReplace)) : translated('write', key, () => putSynced(key, bytes, mayReplace));
  }

  async function putSynced(key: string, bytes: Uint8Array, mayReplace: boolean): Promise<boolean> {
    const path = newStagingPath();
    try {
      writeFileSync(path, bytes, { flag: 'wx' });
      return await publishSynced(key, path, mayReplace);
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    }
  }

  /** As publish; on disk when it resolves. */
  async function publishSynced(key: string, path: string, mayReplace: boolean): Promise<boolean> {
    await sync(path);
    if (!publish(key, path, mayReplace)) return false;
    await sync(dirname(pathOf(key)));
    return true;
  }

  async function putLocalFile(key: string, source: string, mayReplace: boolean): Promise<boolean> {
    const path = newStagingPath();
    try {
      await moveFile(source, path);
      return await publishSynced(key, path, mayReplace);
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    }
  }

  async function* walk(folderKey: string, prefix: string): AsyncGenerator<string> {
    for (const entry of await entriesOf(join(root, folderKey))) {
      const key = folderKey + entry;
      if (key === `${stagingFolder}/`) continue;
      if (!key.endsWith('/')) {
        if (key.startsWith(prefix)) yield key;
      } else if (key.startsWith(prefix) || prefix.startsWith(key)) {
        yield* walk(key, prefix);
      }
    }
  }

  return {
    url: pathToFileURL(root).href,
    get: (key, signal) => translated('read', key, () => readFile(pathOf(key), signal ? { signal } : {})),
    async getRange(key, offset, length, signal) {
      signal?.throwIfAborted();
      return translated('read', key, () => readRange(pathOf(key), offset, length));
    },
    size: (key) => translated('read', key, async () => {
      const entry = statSync(pathOf(key), { throwIfNoEntry: false });
      if (entry?.isFile() !== true) throw new ObjectMissingError(key);
      return entry.size;
    }),
    has: async (key) => translatedNow('look up', key, () => isFile(pathOf(key))),
    putIfAbsent: async (key, bytes, { isRepeatable = false } = {}) => putBytes(key, bytes, false, isRepeatable),
    put: async (key, bytes, { isRepeatable = false } = {}) => { await putBytes(key, bytes, true, isRepeatable); },
    putFile: (key, path) => translated('write', key, async () => {
      checkKey(key);
      await putLocalFile(key, path, true);
    }),
    putFileIfAbsent: (key, path) => translated('write', key, async () => {
      checkKey(key);
      return putLocalFile(key, path, false);
    }),
    async *list(prefix) {
      checkPrefix(prefix);
      const slash = prefix.lastIndexOf('/');
      yield* walk(prefix.slice(0, slash + 1), prefix);
    },
    delete: (key) => translated('delete', key, () => rm(pathOf(key), { force: true })),
    scratchFolder: staging,
    gdalPath: pathOf,
    async gdalOptions() { return {}; },
    async close() { /* no handle is kept */ },
  };
}

/** Names in a folder, folders with a trailing '/', in byte order: so 'a.tif' comes before 'a/b', as in the keys. */
async function entriesOf(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  } catch (error) {
    if (isAbsence(error)) return [];
    throw new ServiceUnavailableError(`store: can't list ${path}: ${messageOf(error)}`, error);
  }
}

/** link(2) fails where the name is taken; then the staged file is dropped. */
function isLinked(staged: string, path: string): boolean {
  try {
    linkSync(staged, path);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    unlinkSync(staged);
    return false;
  }
  unlinkSync(staged);
  return true;
}

function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}

async function readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await file.close();
  }
}

/** Moves a file, by copying where it lies on another file system. */
async function moveFile(source: string, target: string): Promise<void> {
  try {
    await rename(source, target);
  } catch (error) {
    if (codeOf(error) !== 'EXDEV') throw error;
    await copyFile(source, target, constants.COPYFILE_EXCL);
    await rm(source);
  }
}

/** Flushes a file's content, or a folder's names, to disk. */
async function sync(path: string): Promise<void> {
  const file = openSync(path, 'r');
  try {
    await flushed(file);
  } finally {
    closeSync(file);
  }
}

const flushed = promisify(fsync);

/** Runs an operation and turns system errors into ours; aborts and our own errors pass. */
async function translated<T>(verb: string, key: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw translation(verb, key, error);
  }
}

/** As translated, for what doesn't wait. */
function translatedNow<T>(verb: string, key: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw translation(verb, key, error);
  }
}

function translation(verb: string, key: string, error: unknown): unknown {
  if (error instanceof AltiplanoError || (error instanceof Error && error.name === 'AbortError')) return error;
  if (verb === 'read' && isAbsence(error)) return new ObjectMissingError(key);
  return new ServiceUnavailableError(`store: can't ${verb} ${key}: ${messageOf(error)}`, error);
}

const isAbsence = (error: unknown): boolean => ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error));

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
