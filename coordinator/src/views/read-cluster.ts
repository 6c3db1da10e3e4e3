// SPDX-License-Identifier: Apache-2.0
import {
  type Beat, type CatalogEntry, InputError, type Lease, MalformedMessageError, ObjectMissingError, type SceneOrder, type ScenePlan, type SceneStatus, activePrefix, beatKey, beatSchema,
  catalogEntrySchema, catalogKey, catalogPrefix, epochOfKey, leaseKey, leaseSchema, leasesPrefix, parseActiveKey, parseStored, planKey, scenePlanSchema,
  sceneStatusSchema, statusKey, statusPrefix,
} from '@altiplano/protocol';
import { type ObjectStore, mapConcurrently } from '@altiplano/protocol/io';
import type { z } from 'zod';
import { readOrders } from '../scene-orders.js';

// What the store tells of a cluster. It is the truth, so these work without a bus, and while nothing runs.

type Reader = Pick<ObjectStore, 'get' | 'list' | 'url'>;

/** 'waiting': asked for, and no coordinator has begun yet. */
export type SceneState = SceneStatus['phase'] | 'waiting';

export interface SceneSummary {
  readonly sceneId: string;
  readonly state: SceneState;
  readonly entry: CatalogEntry;
  /** Null until a coordinator has begun. */
  readonly status: SceneStatus | null;
}

export interface SceneDetails extends SceneSummary {
  readonly orders: readonly SceneOrder[];
}

export interface CoordinatorView { readonly lease: Lease; readonly beat: Beat | null }

const readsAtOnce = 16;

/** All scenes of a store, by id. */
export async function readScenes(store: Reader): Promise<SceneSummary[]> {
  const active = await activeOrders(store);
  const scenes: SceneSummary[] = [];
  await mapConcurrently(await catalogSceneIds(store), readsAtOnce, async (sceneId) => {
    const summary = await summaryOf(store, sceneId, active);
    if (summary !== null) scenes.push(summary);
  });
  return scenes.sort((a, b) => (a.sceneId < b.sceneId ? -1 : 1));
}

/** The scenes that were submitted to a store, by id. */
export async function catalogSceneIds(store: Pick<ObjectStore, 'list'>): Promise<string[]> {
  const ids: string[] = [];
  for await (const key of store.list(catalogPrefix)) ids.push(key.slice(catalogPrefix.length, -'.json'.length));
  return ids;
}

/** One scene. Throws InputError where nobody submitted one of that name. */
export async function readScene(store: Reader & Pick<ObjectStore, 'has'>, sceneId: string): Promise<SceneDetails> {
  const summary = await summaryOf(store, sceneId, await activeOrders(store));
  if (summary === null) {
    throw new InputError((await store.has(planKey(sceneId))) ? `scene ${sceneId}: altiplano run made it in ${store.url}, and shows its progress itself; altiplano status says how far it is`
      : `scene ${sceneId}: not in ${store.url}; altiplano scenes lists those that are`);
  }
  return { ...summary, orders: await readOrders(store, sceneId) };
}

/** Whether a scene has orders that aren't carried out to their end, tidying up included. */
export async function hasOpenOrders(store: Pick<ObjectStore, 'list'>, sceneId: string): Promise<boolean> {
  for await (const _ of store.list(`${activePrefix}${sceneId}.`)) return true;
  return false;
}

/** A scene's plan. Throws InputError where there is none, or none this program can read. */
export async function readPlan(store: Reader, sceneId: string): Promise<ScenePlan> {
  const plan = await readJson(store, planKey(sceneId), scenePlanSchema);
  if (plan === null) throw new InputError(`scene ${sceneId}: no plan in ${store.url}; altiplano scenes lists the scenes there are`);
  return plan;
}

/** The plan of a scene that coordinators work on. Throws InputError, too, where `altiplano run` made it: no coordinator would carry out an order. */
export async function readSubmittedPlan(store: Reader, sceneId: string): Promise<ScenePlan> {
  const plan = await readPlan(store, sceneId);
  if (await readJson(store, catalogKey(sceneId), catalogEntrySchema) === null) {
    throw new InputError(`scene ${sceneId}: altiplano run made it, which takes no orders; the same altiplano run again continues it`);
  }
  return plan;
}

/** Who holds the highest lease; null where no coordinator ever ran. */
export async function readCoordinator(store: Reader): Promise<CoordinatorView | null> {
  const epoch = await highest(store, leasesPrefix);
  if (epoch === null) return null;
  const lease = await readJson(store, leaseKey(epoch), leaseSchema);
  return lease === null ? null : { lease, beat: await readJson(store, beatKey(epoch), beatSchema) };
}

/** What the coordinator of the highest epoch wrote last; null where none has. */
export async function readStatus(store: Reader, sceneId: string): Promise<SceneStatus | null> {
  const epoch = await highest(store, statusPrefix(sceneId));
  return epoch === null ? null : readJson(store, statusKey(sceneId, epoch), sceneStatusSchema);
}

async function summaryOf(store: Reader, sceneId: string, active: ReadonlyMap<string, number>): Promise<SceneSummary | null> {
  const entry = await readJson(store, catalogKey(sceneId), catalogEntrySchema);
  if (entry === null) return null;
  const status = await readStatus(store, sceneId);
  const isWaiting = (active.get(sceneId) ?? 0) > (status?.order ?? 0);
  return { sceneId, entry, status, state: isWaiting || status === null ? 'waiting' : status.phase };
}

/** The last order of each scene that no coordinator has carried out. */
async function activeOrders(store: Reader): Promise<Map<string, number>> {
  const orders = new Map<string, number>();
  for await (const key of store.list(activePrefix)) {
    const marker = parseActiveKey(key);
    if (marker !== null) orders.set(marker.sceneId, Math.max(marker.order, orders.get(marker.sceneId) ?? 0));
  }
  return orders;
}

async function highest(store: Reader, prefix: string): Promise<number | null> {
  let last: number | null = null;
  for await (const key of store.list(prefix)) if (epochOfKey(key) > (last ?? -1)) last = epochOfKey(key);
  return last;
}

/** Null where there is no such object. Throws InputError where it is none this program can read. */
export async function readJson<S extends z.ZodType>(store: Reader, key: string, schema: S): Promise<z.output<S> | null> {
  try {
    return parseStored(key, schema, await store.get(key));
  } catch (error) {
    if (error instanceof ObjectMissingError) return null;
    if (error instanceof MalformedMessageError) throw new InputError(`${store.url}: can't read ${error.message}`, error);
    throw error;
  }
}
