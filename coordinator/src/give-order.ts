// SPDX-License-Identifier: Apache-2.0
import { userInfo, hostname } from 'node:os';
import { type SceneOrder, activeKey } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import { type NewOrder, addOrder } from './scene-orders.js';

/** Who asks, for the scene's history. */
export function orderedBy(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A container's user may have no name.
    return `${process.getuid?.() ?? 'somebody'}@${hostname()}`;
  }
}

/** Writes an order, then the marker that coordinators look for: a crash between the two leaves an order that the next one takes along. */
export async function giveOrder(store: Pick<ObjectStore, 'get' | 'list' | 'putIfAbsent' | 'put'>, order: NewOrder): Promise<SceneOrder> {
  const given = await addOrder(store, order);
  await store.put(activeKey(given.sceneId, given.number), new TextEncoder().encode('{}'));
  return given;
}
