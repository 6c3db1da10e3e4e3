// SPDX-License-Identifier: Apache-2.0
import { openInfo, readBand } from '@altiplano/kernels/raster';
import {
  type Affine, type GridSpec, type GroundBox, type HeightRange, InputError, type ScenePlan, type StereoTask, affineSchema, attemptsPrefix, ledgerPrefix,
  parseRoundKey, parseStored, pointingKey, priorKey, taskHash,
} from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import { z } from 'zod';
import { boxOfGrid, withHalo } from './ground-tiles.js';
import { tileTaskId, tileTaskMaker } from './make-tasks.js';
import { priorRange } from './range-tiles.js';
import { readOrders } from './scene-orders.js';
import { orderedTask, taskOrders } from './task-orders.js';
import { openTileIndex } from './tile-index.js';

export interface RebuiltTask {
  readonly task: StereoTask;
  /** The ledger knows this very task, or attempts at it. */
  readonly isKnown: boolean;
}

/**
 * A tile's task as the scene's coordinator made it, from the plan and what solving and ranging left in the store: pointing, height
 * prior, replays. Where interrupted runs left several of these, it is the one the ledger knows. Throws InputError that says what is missing.
 */
export async function rebuildTask(
  store: ObjectStore, plan: ScenePlan, { tileId, pairId, factor }: { readonly tileId: string; readonly pairId: string; readonly factor: number },
): Promise<RebuiltTask> {
  const { sceneId } = plan;
  const levelIndex = plan.levels.findIndex((candidate) => candidate.factor === factor);
  const level = plan.levels[levelIndex];
  if (level === undefined) throw new InputError(`scene ${sceneId}: no level ${factor}, it has ${plan.levels.map((each) => each.factor).join(', ')}`);
  const tiles = openTileIndex(level);
  const number = tiles.numberOf(tileId);
  if (number < 0) throw new InputError(`scene ${sceneId}: level ${factor} has no tile ${tileId}; altiplano tiles lists them`);
  const tile = tiles.tileAt(number);
  if (!tile.pairs.includes(pairId)) throw new InputError(`scene ${sceneId}: tile ${tileId} is seen by pairs ${tile.pairs.join(', ')}, not by ${pairId}`);

  const orders = taskOrders(await readOrders(store, sceneId));
  const known = await knownHashes(store, sceneId, tileTaskId(factor, tileId, pairId));
  const box = boxOfGrid(withHalo(tile.core, level.haloCells));
  const above = plan.levels[levelIndex - 1];
  const searches = above === undefined ? [{ priorKey: null, range: plan.heightDomain }] : await searchesBelow(store, plan, above.factor, box);
  const tasks: StereoTask[] = [];
  for (const correction of await correctionsOf(store, sceneId, pairId)) {
    for (const search of searches) {
      const make = tileTaskMaker(plan, level, new Map([[pairId, correction]]), search.priorKey);
      const task = orderedTask(make(tile, pairId, search.range), orders);
      if (task.kind !== 'stereo' && task.kind !== 'coarse') continue;
      if (known.has(taskHash(task))) return { task: await withImages(store, task), isKnown: true };
      tasks.push(task);
    }
  }
  const [first] = tasks;
  if (first === undefined) throw new InputError(`scene ${sceneId}: tile ${tileId} can't be made yet`);
  return { task: await withImages(store, first), isKnown: false };
}

/** Tasks of a complete scene outlive what they read. */
async function withImages(store: ObjectStore, task: StereoTask): Promise<StereoTask> {
  for (const key of [task.ref.key, task.sec.key, ...(task.priorKey === null ? [] : [task.priorKey])]) {
    if (!(await store.has(key))) {
      throw new InputError(`${key}: not in ${store.url}; a complete scene keeps its images and priors only with --keep-intermediates; altiplano replay (for a run: altiplano run --fresh --keep-intermediates) makes them again`);
    }
  }
  return task;
}

/** Hashes of a task that the ledger has an end of, or attempts. */
async function knownHashes(store: ObjectStore, sceneId: string, taskId: string): Promise<ReadonlySet<string>> {
  const hashes = new Set<string>();
  for (const prefix of [ledgerPrefix(sceneId), attemptsPrefix(sceneId)]) {
    for await (const key of store.list(`${prefix}${taskId}.`)) {
      const of = parseRoundKey(prefix, key.replace(/\/[^/]*$/, (file) => (prefix === attemptsPrefix(sceneId) ? '.json' : file)));
      if (of !== null) hashes.add(of.taskHash);
    }
  }
  return hashes;
}

async function correctionsOf(store: ObjectStore, sceneId: string, pairId: string): Promise<readonly Affine[]> {
  const corrections: Affine[] = [];
  const [prefix] = pointingKey(sceneId, pairId, '*').split('*');
  for await (const key of store.list(prefix ?? '')) {
    corrections.push(parseStored(key, z.object({ correction: affineSchema }), await store.get(key)).correction);
  }
  if (corrections.length === 0) throw new InputError(`scene ${sceneId}: the pointing of pair ${pairId} isn't solved yet; see altiplano status`);
  return corrections;
}

/** What a level below may search in a box: between the bounds of a prior, where the level above saw the box, else of all it saw; or, where it saw nothing at all, the whole domain. */
async function searchesBelow(
  store: ObjectStore, plan: ScenePlan, from: number, box: GroundBox,
): Promise<readonly { readonly priorKey: string | null; readonly range: HeightRange }[]> {
  const searches: { priorKey: string | null; range: HeightRange }[] = [];
  const [prefix] = priorKey(plan.sceneId, from, '*').split('*');
  for await (const key of store.list(prefix ?? '')) {
    const range = priorRange(store.gdalPath(key), gridOf(store.gdalPath(key)), box);
    if (range !== null) searches.push({ priorKey: key, range });
    else for await (const dsm of store.list(`scenes/${plan.sceneId}/coarse/dsm-${from}.`)) searches.push({ priorKey: key, range: heightsOf(store.gdalPath(dsm)) });
  }
  return [...searches, { priorKey: null, range: plan.heightDomain }];
}

function gridOf(path: string): GridSpec {
  const { geotransform, width, height } = openInfo(path);
  const [originE = NaN, resolution = NaN, , originN = NaN] = geotransform ?? [];
  return { originE, originN, resolution, width, height };
}

function heightsOf(path: string): HeightRange {
  const { width, height } = openInfo(path);
  let [lowest, highest] = [Infinity, -Infinity];
  for (let row0 = 0; row0 < height; row0 += 256) {
    for (const value of readBand(path, 1, { col0: 0, row0, width, height: Math.min(256, height - row0) })) {
      if (value < lowest) lowest = value;
      if (value > highest) highest = value;
    }
  }
  return [lowest, Math.max(highest, lowest + 1)];
}
