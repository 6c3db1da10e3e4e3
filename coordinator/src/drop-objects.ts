// SPDX-License-Identifier: Apache-2.0
import { scenePrefix } from '@altiplano/protocol';
import { type ObjectStore, mapConcurrently } from '@altiplano/protocol/io';

const deletesAtOnce = 32;

/** Deletes the objects of a scene whose name, the key without the scene's prefix, `drops` is true of. Resolves to how many there were. */
export async function dropObjects(store: Pick<ObjectStore, 'list' | 'delete'>, sceneId: string, drops: (name: string) => boolean): Promise<number> {
  const prefix = scenePrefix(sceneId);
  const keys: string[] = [];
  for await (const key of store.list(prefix)) if (drops(key.slice(prefix.length))) keys.push(key);
  await mapConcurrently(keys, deletesAtOnce, (key) => store.delete(key));
  return keys.length;
}

/** What only an unfinished scene, a replay, or a curious operator needs. */
export const isIntermediate = (name: string): boolean => /^(images|partials|coarse|merged)\//.test(name);
