// SPDX-License-Identifier: Apache-2.0
import { type SceneOrder, orderKey, orderOfKey, ordersPrefix, parseStored, sceneOrderSchema } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';

type Unnumbered<T> = T extends unknown ? Omit<T, 'v' | 'number'> : never;
export type NewOrder = Unnumbered<SceneOrder>;

/** What was asked of a scene, in order. Throws where an order can't be read: leaving one out would do what nobody asked for. */
export async function readOrders(store: Pick<ObjectStore, 'get' | 'list'>, sceneId: string): Promise<SceneOrder[]> {
  const orders: SceneOrder[] = [];
  for await (const key of store.list(ordersPrefix(sceneId))) {
    orders.push(parseStored(key, sceneOrderSchema, await store.get(key)));
  }
  return orders.sort((a, b) => a.number - b.number);
}

/** Adds an order under the next number that is free, whoever else adds one at the same moment. */
export async function addOrder(store: Pick<ObjectStore, 'get' | 'list' | 'putIfAbsent'>, order: NewOrder): Promise<SceneOrder> {
  let number = 1;
  for await (const key of store.list(ordersPrefix(order.sceneId))) number = Math.max(number, orderOfKey(key) + 1);
  for (; ; number += 1) {
    const numbered: SceneOrder = { v: 1, number, ...order };
    const text = JSON.stringify(numbered);
    if (await store.putIfAbsent(orderKey(order.sceneId, number), new TextEncoder().encode(text))) return numbered;
    // An answer that was lost makes our own object look like another's.
    if (new TextDecoder().decode(await store.get(orderKey(order.sceneId, number))) === text) return numbered;
  }
}
