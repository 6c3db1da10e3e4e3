// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { MalformedMessageError, type ScenePlan, type TilePlan, mergedKey, mergedPrefix, parseStored } from '@altiplano/protocol';
import { type ObjectStore, mapConcurrently } from '@altiplano/protocol/io';
import { z } from 'zod';
import { type SceneState, levelOf, partialsOf, tileEnd } from './advance-scene.js';
import type { MergedDsm } from './merge-dsm.js';
import { softwareId } from './software.js';
import { tilesOf } from './tile-index.js';

// A scene that may be replayed keeps its merged raster, with what each tile was merged from, so that the next run merges what differs only.

/** A merge at full resolution of an earlier run. */
export interface EarlierMerge {
  /** Names that GDAL opens. */
  readonly path: string;
  readonly cellsPath: string;
  /** By tile id: what it was merged from, see `mergeSource`. */
  readonly sources: ReadonlyMap<string, string>;
}

const indexSchema = z.object({ v: z.literal(1), software: z.string(), sources: z.record(z.string(), z.string()) });

/** Names what a tile of the current level is merged from: the partial DSMs of it and its neighbours, and why its empty cells are empty. */
export function mergeSource(state: SceneState, tile: TilePlan): string {
  const { tiles } = state;
  const { id, ix, iy } = tile;
  const hash = createHash('sha256').update(`${id} ${tileEnd(state, tile) === 'dead'}`);
  for (let dy = -1; dy <= 1; dy += 1) {
    for (let dx = -1; dx <= 1; dx += 1) {
      const near = tiles.numberAt(ix + dx, iy + dy);
      if (near >= 0) for (const { outKey } of partialsOf(state, tiles.tileAt(near))) hash.update(`\n${outKey}`);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

/** The last merge of this program that was kept; null where there is none. */
export async function findEarlierMerge(store: Pick<ObjectStore, 'get' | 'list' | 'gdalPath'>, { sceneId }: ScenePlan): Promise<EarlierMerge | null> {
  const prefix = mergedPrefix(sceneId);
  let last: { readonly edition: string; readonly rank: number } | null = null;
  for await (const key of store.list(prefix)) {
    const [, edition, epoch, order] = /^((\d+)-(\d+))\/index\.json$/.exec(key.slice(prefix.length)) ?? [];
    const rank = Number(epoch) * 2 ** 26 + Number(order);
    if (edition !== undefined && rank > (last?.rank ?? -1)) last = { edition, rank };
  }
  if (last === null) return null;
  const [epoch = 0, order = 0] = last.edition.split('-').map(Number);
  const key = (name: string): string => mergedKey(sceneId, epoch, order, name);
  const index = readableIndex(key('index.json'), await store.get(key('index.json')));
  if (index?.software !== softwareId()) return null;
  return { path: store.gdalPath(key('heights.tif')), cellsPath: store.gdalPath(key('cells.tif')), sources: new Map(Object.entries(index.sources)) };
}

/** Null where it is another version's, or damaged: merging all anew is always right. */
function readableIndex(key: string, bytes: Uint8Array): z.output<typeof indexSchema> | null {
  try {
    return parseStored(key, indexSchema, bytes);
  } catch (error) {
    if (error instanceof MalformedMessageError) return null;
    throw error;
  }
}

/** Keeps a merge at full resolution for the next run, and drops those before. The files are moved away. */
export async function keepMerge(store: ObjectStore, state: SceneState, { path, cellsPath }: MergedDsm, epoch: number, order: number): Promise<void> {
  if (cellsPath === null) return;
  const { sceneId } = state.plan;
  const sources = Object.fromEntries([...tilesOf(levelOf(state))].map((tile) => [tile.id, mergeSource(state, tile)]));
  const before: string[] = [];
  for await (const key of store.list(mergedPrefix(sceneId))) if (!key.startsWith(mergedKey(sceneId, epoch, order, ''))) before.push(key);
  await store.putFile(mergedKey(sceneId, epoch, order, 'heights.tif'), path);
  await store.putFile(mergedKey(sceneId, epoch, order, 'cells.tif'), cellsPath);
  // Last, as it says that the others are there.
  await store.put(mergedKey(sceneId, epoch, order, 'index.json'), new TextEncoder().encode(JSON.stringify({ v: 1, software: softwareId(), sources })));
  await mapConcurrently(before, 4, (key) => store.delete(key));
}
