// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { copyFile, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type ScenePlan, ledgerPrefix, parseRoundKey, parseStored, planKey, productKey, scenePlanSchema } from '@altiplano/protocol';
import { openStore, readOutcome } from '@altiplano/protocol/io';
import { runScene } from '../pipeline/run-altiplano.js';
import { cachedScene, defaultSceneCache } from '../scenes/cached-scene.js';

/** The scene that all runs make, and what it comes to where nothing goes wrong. */
export interface World {
  readonly images: readonly string[];
  /** Flags of a scene's request, the images left out. */
  readonly flags: readonly string[];
  readonly sceneId: string;
  readonly wanted: Wanted;
}

export interface Wanted {
  /** SHA-256 of every raster among the products, by file name. */
  readonly rasters: ReadonlyMap<string, string>;
  /** How each task of the plan ended. */
  readonly tasks: ReadonlyMap<string, string>;
}

/** A town of 192 m: 17 tiles at full resolution, 24 tasks in all, a second of computing. */
const scene = { terrain: 'city', size: 384, pointingError: [3], seed: 11 } as const;
const sceneId = 'town';
const flags = ['--scene-id', sceneId, '--tile', '128'];

/** Makes the scene (once per machine) and runs it undisturbed, with one agent. */
export async function makeWorld(folder: string): Promise<World> {
  const { images } = await cachedScene(defaultSceneCache, scene);
  const outDir = join(folder, 'undisturbed');
  await runScene([...images, ...flags, '--out', outDir, '--store', join(folder, 'undisturbed-store'), '--agents', '1'], { showProgress: false });
  const store = await openStore(join(folder, 'undisturbed-store'));
  const rasters = new Map<string, string>();
  for await (const key of store.list(productKey(sceneId, ''))) {
    if (key.endsWith('.tif')) rasters.set(basename(key), sha256(await store.get(key)));
  }
  const tasks = new Map<string, string>();
  for await (const key of store.list(ledgerPrefix(sceneId))) {
    const round = parseRoundKey(ledgerPrefix(sceneId), key);
    const outcome = round === null ? null : await readOutcome(store, sceneId, round);
    if (outcome !== null) tasks.set(outcome.taskId, outcome.state);
  }
  const planned = [...plannedTasks(parseStored(planKey(sceneId), scenePlanSchema, await store.get(planKey(sceneId))))];
  await store.close();
  await rm(outDir, { recursive: true, force: true });
  if (planned.length !== tasks.size || planned.some((taskId) => tasks.get(taskId) === undefined)) {
    throw new Error(`the undisturbed run planned ${planned.length} tasks and its ledger has ${tasks.size}`);
  }
  return { images, flags, sceneId, wanted: { rasters, tasks } };
}

/** Puts copies of images into a bucket; their URLs. */
export async function uploadImages(images: readonly string[], bucketUrl: string, folder: string): Promise<string[]> {
  const store = await openStore(bucketUrl);
  const urls: string[] = [];
  for (const image of images) {
    const key = `images/${basename(image)}`;
    const copy = join(folder, basename(image));
    await copyFile(image, copy);
    await store.putFile(key, copy);
    urls.push(`${bucketUrl}/${key}`);
  }
  await store.close();
  return urls;
}

/** Every task that a plan asks for, read from the plan alone. */
export function* plannedTasks(plan: ScenePlan): Generator<string> {
  for (const { index } of plan.images) yield `ingest-${index}`;
  for (const { id } of plan.alignWindows) yield `align-${id}`;
  for (const { factor, tileRuns } of plan.levels) {
    for (const { ix, iy, count, pairs } of tileRuns) {
      for (let k = 0; k < count; k += 1) for (const pair of pairs) yield `${factor === 1 ? 'stereo' : `coarse${factor}`}-x${ix + k}y${iy}-${pair}`;
    }
  }
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
export const sha256OfFile = async (path: string): Promise<string> => sha256(await readFile(path));
