// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeScene } from './make-scene.js';
import type { SceneManifest } from './manifest.js';
import { type SceneOptions, settle } from './options.js';

export interface CachedScene {
  readonly directory: string;
  readonly manifest: SceneManifest;
  readonly images: readonly string[];
  /** The truth on ground that image 0 and another see. */
  readonly truth: string;
  /** Whether it was there before. */
  readonly isCached: boolean;
}

/** Where benches keep their scenes when nothing else is said. */
export const defaultSceneCache = join(tmpdir(), 'altiplano-bench-scenes');

/** A scene made once per set of options and version of this folder's code, then kept in `cache`. Throws as makeScene does. */
export async function cachedScene(cache: string, options: Omit<SceneOptions, 'directory'>, onProgress?: (text: string) => void): Promise<CachedScene> {
  const directory = join(cache, await sceneName(options));
  let manifest = await readManifest(directory);
  const isCached = manifest !== null;
  if (manifest === null) {
    // Made beside its place and moved there: an interrupted one is never taken for a scene.
    const unfinished = `${directory}.${process.pid}`;
    await mkdir(cache, { recursive: true });
    manifest = await makeScene({ ...options, directory: unfinished }, onProgress);
    await rm(directory, { recursive: true, force: true });
    await rename(unfinished, directory);
  }
  return {
    directory, manifest, isCached, truth: join(directory, manifest.truth.seen), images: manifest.views.map(({ file }) => join(directory, file)),
  };
}

/** `<terrain>-<size>-<hash>`: of everything the pixels depend on. */
async function sceneName(options: Omit<SceneOptions, 'directory'>): Promise<string> {
  const { directory: _directory, threads: _threads, ...settings } = settle({ ...options, directory: '' });
  const hash = createHash('sha256').update(JSON.stringify(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1))));
  const code = fileURLToPath(new URL('.', import.meta.url));
  for (const name of (await readdir(code)).filter((file) => file.endsWith('.js') && !file.endsWith('.test.js')).sort()) hash.update(await readFile(join(code, name)));
  return `${settings.terrain}-${settings.size}-${hash.digest('hex').slice(0, 12)}`;
}

async function readManifest(directory: string): Promise<SceneManifest | null> {
  const text = await readFile(join(directory, 'scene.json'), 'utf8').catch(() => null);
  return text === null ? null : JSON.parse(text) as SceneManifest;
}
