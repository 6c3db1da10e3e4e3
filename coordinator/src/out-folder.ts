// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { InputError } from '@altiplano/protocol';
import { messageOf } from './message-of.js';

/** All that `altiplano run` keeps beside the products is below this folder. */
export const stateDir = (outDir: string): string => join(outDir, '.altiplano');

/** Makes a folder that an option names, and its parents where missing. Throws InputError where a file is in the way or nothing may be written. */
export async function makeOutFolder(folder: string, option: 'out' | 'store' = 'out'): Promise<void> {
  const path = resolve(folder);
  const missing: string[] = [];
  let present = path;
  for (let kind = await kindOf(present); kind !== 'folder'; kind = await kindOf(present)) {
    if (kind === 'file') throw new InputError(`${option}: ${present} is a file; choose a folder for --${option}`);
    missing.unshift(present);
    present = dirname(present);
  }
  try {
    await access(present, constants.W_OK | constants.X_OK);
    // One by one: node's recursive mkdir never returns where a file system refuses new folders by ENOENT, as /proc does.
    for (const part of missing) await mkdir(part).catch(async (error: unknown) => { if ((await kindOf(part)) !== 'folder') throw error; });
  } catch (cause) {
    throw new InputError(`${option}: nothing can be written to ${path} (${messageOf(cause)}); choose another --${option}`, cause);
  }
}

async function kindOf(path: string): Promise<'folder' | 'file' | 'none'> {
  return stat(path).then((found) => (found.isDirectory() ? 'folder' : 'file'), () => 'none' as const);
}
