// SPDX-License-Identifier: Apache-2.0
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type ScenePlan, type SceneStatus, ServiceUnavailableError, activeKey, activePrefix, orderKey, planKey } from '@altiplano/protocol';
import { type ObjectStore, type TaskQueue, openMemoryQueue, openMemoryStore } from '@altiplano/protocol/io';
import { giveOrder } from './give-order.js';
import { planScene } from './plan-scene.js';
import type { SceneWork } from './scene-work.js';
import { serveScenes } from './serve-scenes.js';
import { submitScene } from './submit-scene.js';
import { type FakeClusterOptions, fakeQueue, fakeWork } from './testing/fake-cluster.js';
import { flatPair, flatPorts, flatRequest } from './testing/flat-world.js';
import { readStatus } from './views/read-cluster.js';

const planOf = (sceneId: string): ScenePlan => planScene(flatRequest({ tileCells: 512, sceneId }), flatPair(), flatPorts);

interface World {
  readonly store: ObjectStore;
  /** What happened to scenes, as 'ended town done'. */
  readonly told: readonly string[];
  /** What the coordinator computed. */
  readonly calls: readonly string[];
  /** Phases as statuses told them, each as it began. */
  readonly phases: readonly SceneStatus['phase'][];
  /** Resolves when something has been told. */
  until(what: string): Promise<void>;
  stop(): Promise<void>;
}

/** A coordinator that leads, over a store in memory and agents that do what the options say. */
async function startServing(
  t: ExecutionContext, store: ObjectStore, { scenes = 2, epoch = 1, cluster = {}, work = {} }: { readonly scenes?: number; readonly epoch?: number; readonly cluster?: FakeClusterOptions; readonly work?: Partial<SceneWork> } = {},
): Promise<World> {
  const workDir = await mkdtemp(join(tmpdir(), 'altiplano-serve-'));
  const [told, calls, phases]: [string[], string[], SceneStatus['phase'][]] = [[], [], []];
  const telling = new EventEmitter();
  const over = new AbortController();
  const buses = new Map<string, ReturnType<typeof fakeQueue>['queue']>();
  const busOf = (sceneId: string) => {
    const bus = buses.get(sceneId) ?? fakeQueue(store, cluster).queue;
    buses.set(sceneId, bus);
    return bus;
  };
  const queue: TaskQueue = {
    ...openMemoryQueue(),
    async publishTasks(tasks, signal) {
      const all = [...tasks];
      if (all[0]) await busOf(all[0].sceneId).publishTasks(all, signal);
    },
    events: (sceneId, signal, which) => busOf(sceneId).events(sceneId, signal, which),
  };
  const serving = serveScenes({
    store, queue, openWork: () => ({ work: { ...fakeWork(calls), ...work }, close: async () => undefined }), epoch, name: 'test', software: '0.0.0+test', workDir, reconcileMs: 20,
    onStatus: ({ phase }) => { if (phases.at(-1) !== phase) phases.push(phase); }, onMerged: () => undefined, onWarning: () => undefined, onProblem: () => undefined,
    onScene(what, sceneId, { phase }) {
      told.push([what, sceneId, phase].filter((word) => word !== undefined).join(' '));
      telling.emit('told');
    },
  }, { scenes, lookMs: 5 }, over.signal).catch(() => undefined);
  const stop = async (): Promise<void> => {
    over.abort(new Error('stop'));
    await serving;
    await rm(workDir, { recursive: true, force: true });
  };
  t.teardown(stop);
  return {
    store, told, calls, phases, stop,
    async until(what) { while (!told.includes(what)) await once(telling, 'told'); },
  };
}

/** The fake computing writes no local files; putting one must not look for it. */
const newStore = (more: Partial<ObjectStore> = {}): ObjectStore => {
  const memory = openMemoryStore();
  return { ...memory, putFile: (key) => memory.put(key, new Uint8Array(1)), gdalPath: (key) => `/store/${key}`, ...more };
};

const keysOf = async (store: ObjectStore, prefix: string): Promise<string[]> => {
  const keys: string[] = [];
  for await (const key of store.list(prefix)) keys.push(key);
  return keys;
};
const submit = (store: ObjectStore, sceneId: string) => submitScene(store, planOf(sceneId), { keepIntermediates: false });
/** Submits, and lets the clock go on, so that orders have an order. */
async function submitAt(store: ObjectStore, sceneId: string): Promise<void> {
  const { at } = await submit(store, sceneId);
  while (new Date().toISOString() === at) await new Promise((resolve) => { setImmediate(resolve); });
}
const order = (store: ObjectStore, sceneId: string, type: 'cancel' | 'resume') => giveOrder(store, { type, sceneId, at: new Date().toISOString(), by: 'test' });
const phaseOf = async (store: ObjectStore, sceneId: string): Promise<SceneStatus['phase'] | undefined> => (await readStatus(store, sceneId))?.phase;

test('scenes are run one after the other where only one may run, the oldest order first, and leave no markers', async (t) => {
  const store = newStore();
  for (const sceneId of ['b', 'a', 'c']) await submitAt(store, sceneId);
  const world = await startServing(t, store, { scenes: 1 });
  await world.until('ended c done');
  t.deepEqual(world.told, ['started b', 'ended b done', 'started a', 'ended a done', 'started c', 'ended c done']);
  t.deepEqual(await keysOf(store, activePrefix), []);
  const status = await readStatus(store, 'a');
  t.like(status, { phase: 'done', epoch: 1, order: 1, products: { dsm: 'scenes/a/products/1-1/dsm.tif', run: 'scenes/a/products/1-1/run.json' } });
  t.deepEqual(await keysOf(store, 'scenes/a/partials/'), []);
});

test('a status goes from phase to phase, and a scene is done when its products are in the store, not before', async (t) => {
  const memory = newStore();
  const atPut: (SceneStatus['phase'] | undefined)[] = [];
  let world: World | null = null;
  const store = newStore({ ...memory, putFile: async (key, path) => {
    if (key.includes('/products/')) atPut.push(world?.phases.at(-1));
    await memory.putFile(key, path);
  } });
  await submit(store, 'town');
  world = await startServing(t, store);
  await world.until('ended town done');
  const level = ['tiles', 'merging', 'ranging'] as const;
  t.deepEqual(world.phases, ['planned', 'ingest', 'align', 'pointing', ...level, ...level, 'tiles', 'merging', 'publishing', 'done']);
  t.deepEqual(atPut, ['publishing']);
});

test('a plan that can\'t be read fails its scene in words, and no other', async (t) => {
  const store = newStore();
  await submit(store, 'good');
  await submit(store, 'bad');
  await store.put(planKey('bad'), new TextEncoder().encode('{"v":1'));
  const world = await startServing(t, store);
  await Promise.all([world.until('ended bad failed'), world.until('ended good done')]);
  t.regex((await readStatus(store, 'bad'))?.failure ?? '', /can't read scenes\/bad\/plan\.json: not JSON/);
  t.deepEqual(await keysOf(store, activePrefix), []);
});

test('an order that can\'t be read fails its scene in words, and holds up no other', async (t) => {
  const store = newStore();
  for (const sceneId of ['bad', 'good']) await submit(store, sceneId);
  await store.put(orderKey('bad', 1), new TextEncoder().encode('{"v":2}'));
  const world = await startServing(t, store);
  await Promise.all([world.until('ended bad failed'), world.until('ended good done')]);
  t.regex((await readStatus(store, 'bad'))?.failure ?? '', /orders\/00000001\.json: protocol version 2/);
  t.deepEqual(await keysOf(store, activePrefix), []);
});

test('an order that can\'t be read stops the run by those before it, and then fails the scene', async (t) => {
  const store = newStore();
  await submit(store, 'town');
  const world = await startServing(t, store, { cluster: { losesTask: () => true, losesEvent: () => true } });
  await world.until('started town');
  await store.put(orderKey('town', 2), new TextEncoder().encode('{'));
  await store.put(activeKey('town', 2), new Uint8Array());
  await world.until('ended town failed');
  t.deepEqual(world.told, ['started town', 'interrupted town', 'ended town failed']);
  t.like(await readStatus(store, 'town'), { phase: 'failed', order: 2 });
});

test('a scene that was done before an order that can\'t be read keeps its products', async (t) => {
  const store = newStore();
  await submit(store, 'town');
  const world = await startServing(t, store);
  await world.until('ended town done');
  await store.put(orderKey('town', 2), new TextEncoder().encode('{'));
  await store.put(activeKey('town', 2), new Uint8Array());
  await world.until('ended town failed');
  const status = await readStatus(store, 'town');
  t.like(status, { phase: 'failed', order: 2, products: { dsm: 'scenes/town/products/1-1/dsm.tif' } });
  t.true(await store.has(status?.products['dsm'] ?? ''));
});

test('an outage of the store defers scenes, and they are done when it is over', async (t) => {
  let failures = 1;
  const memory = newStore();
  const get: ObjectStore['get'] = async (key, signal) => {
    if (key.endsWith('plan.json') && failures-- > 0) throw new ServiceUnavailableError(`store: can't read ${key}`);
    return memory.get(key, signal);
  };
  const store = { ...memory, get };
  await submit(memory, 'town');
  const world = await startServing(t, store);
  await world.until('ended town done');
  t.true(world.told.includes('deferred town'));
  t.is(await phaseOf(store, 'town'), 'done');
});

test('what is warned of while products are made is in the last status, too', async (t) => {
  const store = newStore();
  await submit(store, 'town');
  let failures = 1;
  const publishProducts: SceneWork['publishProducts'] = async (request) => {
    if (failures-- > 0) throw new ServiceUnavailableError('out/dsm.tif: no room');
    return fakeWork().publishProducts(request);
  };
  const world = await startServing(t, store, { work: { publishProducts } });
  await world.until('ended town done');
  t.deepEqual((await readStatus(store, 'town'))?.warnings, [...planOf('town').warnings, 'publishProducts: out/dsm.tif: no room; trying again']);
});

test('a new order stops a run and begins it again: a cancel ends it, a resume goes on, and neither waits for its turn to be seen', async (t) => {
  const store = newStore();
  let holds = true;
  await submit(store, 'town');
  const world = await startServing(t, store, { scenes: 1, cluster: { losesTask: () => holds, losesEvent: () => holds } });
  await world.until('started town');
  await submit(store, 'waits');
  await order(store, 'waits', 'cancel');
  await world.until('ended waits cancelled');
  await order(store, 'town', 'cancel');
  await world.until('ended town cancelled');
  t.is(await phaseOf(store, 'town'), 'cancelled');
  holds = false;
  await order(store, 'town', 'resume');
  await world.until('ended town done');
  t.is((await readStatus(store, 'town'))?.order, 3);
});

test('who follows a coordinator that crashed after its last status only tidies up; a complete scene that is submitted again is not run again', async (t) => {
  const store = newStore();
  await submit(store, 'town');
  const first = await startServing(t, store);
  await first.until('ended town done');
  await first.stop();
  // As it was before the marker went and the intermediates were dropped.
  await store.put(`${activePrefix}town.00000001.json`, new Uint8Array());
  await store.put('scenes/town/partials/x/left.tif', new Uint8Array());
  await store.put('scenes/town/products/1-0/dsm.tif', new Uint8Array());
  const second = await startServing(t, store, { epoch: 2 });
  await second.until('ended town done');
  await submit(store, 'town');
  while ((await keysOf(store, activePrefix)).length > 0) await new Promise((resolve) => { setImmediate(resolve); });
  t.deepEqual(second.calls, []);
  t.like(await readStatus(store, 'town'), { phase: 'done', order: 2, epoch: 2 });
  t.deepEqual(await keysOf(store, 'scenes/town/partials/'), []);
  t.deepEqual((await keysOf(store, 'scenes/town/products/')).map((key) => key.split('/')[3]), ['1-1', '1-1']);
  t.deepEqual(await keysOf(store, 'scenes/town/status/'), ['scenes/town/status/00000002.json']);
});

test('a coordinator that stops leaves scenes to the next', async (t) => {
  const store = newStore();
  await submit(store, 'town');
  const first = await startServing(t, store, { cluster: { losesTask: () => true } });
  await first.until('started town');
  await first.stop();
  t.is(first.told.at(-1), 'interrupted town');
  t.deepEqual(await keysOf(store, activePrefix), ['active/town.00000001.json']);
  const second = await startServing(t, store, { epoch: 2 });
  await second.until('ended town done');
  t.is((await readStatus(store, 'town'))?.epoch, 2);
});
