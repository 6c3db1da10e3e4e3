// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { configureGdal } from '@altiplano/kernels/raster';
import {
  InputError, type SceneOrder, type ScenePlan, type SceneStatus, activeKey, activePrefix, editionPrefix, epochOfKey, isEditionKey,
  parseActiveKey, productsPrefix, statusPrefix,
} from '@altiplano/protocol';
import type { ObjectStore, TaskQueue } from '@altiplano/protocol/io';
import { dropObjects, isIntermediate } from './drop-objects.js';
import { openLastWarnings } from './last-warnings.js';
import { runScene } from './run-scene.js';
import { intentOf, isObeyed } from './scene-intent.js';
import { type SceneResult, runSummary } from './scene-result.js';
import { type StatusFrame, emptyStatus, openStatusWriter, statusOf } from './scene-status.js';
import { readPlan, readStatus } from './views/read-cluster.js';
import type { WorkThread } from './work-thread.js';

export interface SceneWorkPorts {
  /** Fenced: it refuses to be written without the lease. */
  readonly store: ObjectStore;
  readonly queue: TaskQueue;
  readonly openWork: () => WorkThread;
  readonly epoch: number;
  /** The coordinator's name. */
  readonly name: string;
  /** The program's own id, see softwareId. */
  readonly software: string;
  /** Local folder for rasters in the making. */
  readonly workDir: string;
  /** See RunOptions. */
  readonly reconcileMs?: number | undefined;
  readonly onStatus: (status: SceneStatus) => void;
  readonly onMerged: (sceneId: string, counts: { readonly merged: number; readonly tiles: number }) => void;
  readonly onWarning: (sceneId: string, message: string) => void;
}

/**
 * Does what a scene's orders ask for, to its end: runs or cancels it, puts the products into the store, tidies up, writes the last status
 * and takes the orders' markers away, in this order: whoever follows after a crash between two steps finds the marker, and goes on.
 * Rejects with the signal's reason on abort, InputError for a plan that can't be read; a scene that fails has a status that says so.
 */
export async function workOnScene(ports: SceneWorkPorts, sceneId: string, orders: readonly SceneOrder[], signal: AbortSignal): Promise<SceneStatus> {
  const { store, queue, epoch, name } = ports;
  const intent = intentOf(orders);
  const before = await readStatus(store, sceneId);
  const now = (): Date => new Date();
  const frame: StatusFrame = {
    sceneId, epoch, coordinator: name, order: intent.order, products: before?.products ?? {},
    startedAt: before !== null && before.order === intent.order ? before.startedAt : now().toISOString(),
  };
  const last = async (): Promise<SceneStatus> => {
    if (before !== null && isObeyed(before, orders)) return before;
    if (intent.wants === 'cancel') {
      await queue.purgeScene(sceneId);
      return { ...(before ?? emptyStatus(frame, null, 'cancelled', now())), ...frame, phase: 'cancelled', updatedAt: now().toISOString() };
    }
    if (before !== null && await isComplete(store, before, orders)) return { ...before, ...frame, updatedAt: now().toISOString() };
    return run(ports, await readPlan(store, sceneId), orders, frame, signal);
  };
  const status = await last();
  signal.throwIfAborted();
  if (status !== before) await openStatusWriter(store, () => undefined).end(status);
  ports.onStatus(status);
  await tidy(store, status, intent.keepsIntermediates);
  for await (const key of store.list(`${activePrefix}${sceneId}.`)) {
    const marker = parseActiveKey(key);
    if (marker?.sceneId === sceneId && marker.order <= intent.order) await store.delete(activeKey(sceneId, marker.order));
  }
  return status;
}

/** Writes the status of a scene that can't be worked on, and takes its markers away: trying again would not help. */
export async function giveUpScene(ports: Pick<SceneWorkPorts, 'store' | 'epoch' | 'name' | 'onStatus'>, sceneId: string, order: number, failure: string): Promise<void> {
  const { store, epoch, name } = ports;
  const at = new Date();
  // Those of an earlier run are still there; unless that can't be read either.
  const before = await readStatus(store, sceneId).catch((error: unknown) => {
    if (error instanceof InputError) return null;
    throw error;
  });
  const frame = { sceneId, epoch, coordinator: name, order, products: before?.products ?? {}, startedAt: at.toISOString() };
  const status: SceneStatus = { ...emptyStatus(frame, null, 'failed', at), failure };
  await openStatusWriter(store, () => undefined).end(status);
  ports.onStatus(status);
  for await (const key of store.list(`${activePrefix}${sceneId}.`)) if ((parseActiveKey(key)?.order ?? Infinity) <= order) await store.delete(key);
}

async function run(ports: SceneWorkPorts, plan: ScenePlan, orders: readonly SceneOrder[], frame: StatusFrame, signal: AbortSignal): Promise<SceneStatus> {
  const { store, queue, epoch } = ports;
  const { sceneId } = plan;
  const warnings = openLastWarnings(plan.warnings);
  const warn = (message: string): void => {
    warnings.add(message);
    ports.onWarning(sceneId, message);
  };
  if (plan.software !== ports.software) warn(`planned by Altiplano ${plan.software} and run by ${ports.software}: submit it anew for results of one program`);
  const writer = openStatusWriter(store, (message) => { ports.onWarning(sceneId, message); });
  let shown = emptyStatus(frame, plan, 'planned', new Date());
  const show = (status: SceneStatus): void => {
    shown = status;
    writer.show(status);
    ports.onStatus(status);
  };
  const dir = join(ports.workDir, sceneId);
  const thread = ports.openWork();
  const onAbort = (): void => { void thread.close(); };
  signal.addEventListener('abort', onAbort);
  try {
    show(shown);
    await queue.ensure(signal);
    configureGdal(await store.gdalOptions());
    const result = await runScene({
      store, queue, work: thread.work, now: () => performance.now(),
      cpuSeconds: () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6; },
    }, plan, {
      outDir: join(dir, 'products'), workDir: dir, epoch, orders, reconcileMs: ports.reconcileMs,
      keepsMerge: intentOf(orders).keepsIntermediates, onWarning: warn,
      // A final state is told when its products are in the store.
      onState: (state) => { if (!['done', 'partial', 'failed'].includes(state.phase)) show(statusOf(frame, state, warnings, new Date())); },
    }, signal);
    ports.onMerged(sceneId, { tiles: result.tiles.planned, merged: result.tiles.planned - result.tilesTaken });
    const products = result.state === 'failed' ? frame.products : await storeProducts(store, frame, result);
    return {
      ...shown, ...frame, ...warnings.told(), products, phase: result.state, level: null, failure: result.failure, updatedAt: new Date().toISOString(),
      tiles: result.tiles, deadTasks: result.deadTasks,
    };
  } finally {
    signal.removeEventListener('abort', onAbort);
    await writer.close();
    await thread.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Puts products into the store as an edition of their own. Resolves to their keys by name; `run` is the run's summary. */
async function storeProducts(store: ObjectStore, { sceneId, epoch, order }: StatusFrame, result: SceneResult): Promise<Record<string, string>> {
  const prefix = editionPrefix(sceneId, epoch, order);
  const keys = Object.fromEntries(Object.entries(result.products).map(([name, path]) => [name, `${prefix}${basename(path)}`]));
  for (const [name, path] of Object.entries(result.products)) await store.putFile(keys[name] ?? '', path);
  const all = { ...keys, run: `${prefix}run.json` };
  await store.put(all.run, new TextEncoder().encode(JSON.stringify(runSummary({ ...result, products: all }))));
  return all;
}

/** Whether orders after a complete run ask for nothing but what is there. */
async function isComplete(store: Pick<ObjectStore, 'has'>, status: SceneStatus, orders: readonly SceneOrder[]): Promise<boolean> {
  if (status.phase !== 'done' || orders.some(({ number, type }) => number > status.order && type === 'replay')) return false;
  for (const key of Object.values(status.products)) if (!(await store.has(key))) return false;
  return true;
}

/** Deletes editions of products, and statuses, that others took the place of; the intermediates of a complete scene, too, unless they are to stay. */
async function tidy(store: Pick<ObjectStore, 'list' | 'delete'>, status: SceneStatus, keepsIntermediates: boolean): Promise<void> {
  const { sceneId } = status;
  const current = new Set(Object.values(status.products));
  for await (const key of store.list(productsPrefix(sceneId))) if (isEditionKey(sceneId, key) && !current.has(key)) await store.delete(key);
  for await (const key of store.list(statusPrefix(sceneId))) if (epochOfKey(key) < status.epoch) await store.delete(key);
  if (status.phase === 'done' && !keepsIntermediates) await dropObjects(store, sceneId, isIntermediate);
}
