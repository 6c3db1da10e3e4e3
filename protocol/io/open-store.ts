// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { InputError } from '../src/index.js';
import { openFileStore } from './file-store.js';
import type { ObjectStore } from './object-store.js';

/**
 * Opens the object store at a URL: `file:///folder`, or a plain path. The folder is made where it is missing.
 * Throws InputError for a URL this release can't open.
 */
export async function openStore(url: string): Promise<ObjectStore> {
  if (url === '') throw new InputError('the store URL is empty; give file:///absolute/folder');
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return openFileStore(url);
  if (scheme === 'file') return openFileStore(filePathOf(url));
  if (scheme === 's3') throw new InputError(`store ${url}: s3:// comes in a later release; use file:///folder on a disk all agents share`);
  throw new InputError(`store ${url}: unknown scheme '${scheme}:'; use file:///absolute/folder`);
}

function filePathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new InputError(`store ${url}: not a local file URL; use file:///absolute/folder`, cause);
  }
}
