// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { InputError, messageOf } from '../src/errors.js';
import { openFileStore } from './file-store.js';
import type { ObjectStore } from './object-store.js';

/**
 * Opens the object store at a URL: `s3://bucket/prefix`, `file:///folder`, or a plain path. A folder is made where it is missing, a bucket isn't.
 * Throws InputError for a URL this release can't open.
 */
export async function openStore(url: string): Promise<ObjectStore> {
  const folder = folderOfStore(url);
  // The client is a third of a second of start-up that a store of files needn't pay for.
  return folder === null ? (await import('./s3-store.js')).openS3Store(url) : openFileStore(folder);
}

/** Opens a store that somebody looks into: as openStore, but throws InputError where its folder isn't there, for then its name was mistaken. */
export async function openExistingStore(url: string): Promise<ObjectStore> {
  const folder = folderOfStore(url);
  if (folder !== null && !(await stat(folder).then((found) => found.isDirectory(), () => false))) throw new InputError(`store ${url}: there is no such folder`);
  return openStore(url);
}

/** Opens a store for a program that does nothing but write to it. Throws InputError, too, where its folder can't be written: waiting would not help. */
export async function openWritableStore(url: string): Promise<ObjectStore> {
  const store = await openStore(url);
  try {
    await access(store.scratchFolder, constants.W_OK);
    return store;
  } catch (cause) {
    await store.close();
    throw new InputError(`store ${url}: nothing can be written to ${store.scratchFolder} (${messageOf(cause)}); let the user who runs this write there`, cause);
  }
}

/** The folder that a store's URL names; null for a bucket. Throws InputError for what is no URL of a store. */
export function folderOfStore(url: string): string | null {
  if (url === '') throw new InputError('the store URL is empty; give s3://bucket/prefix or file:///absolute/folder');
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return url;
  if (scheme === 'file') return filePathOf(url);
  if (scheme === 's3') return null;
  throw new InputError(`store ${url}: unknown scheme '${scheme}:'; use s3://bucket/prefix or file:///absolute/folder`);
}

function filePathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new InputError(`store ${url}: not a local file URL; use file:///absolute/folder`, cause);
  }
}

/** What GDAL must be told to open an image outside of any store: `s3://bucket/key`; nothing for a path. See ObjectStore.gdalOptions. */
export async function gdalOptionsFor(image: string): Promise<Readonly<Record<string, string>>> {
  const [bucket] = /^s3:\/\/[^/]+/.exec(image) ?? [];
  if (bucket === undefined) return {};
  const store = await openStore(bucket);
  try {
    return await store.gdalOptions();
  } finally {
    await store.close();
  }
}
