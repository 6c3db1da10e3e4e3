// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { InputError, type SceneStatus, activeKey, beatKey, catalogKey, leaseKey, planKey, statusKey } from '@altiplano/protocol';
import { type ObjectStore, openMemoryStore } from '@altiplano/protocol/io';
import { noDeadTasks } from '../dead-tasks.js';
import { planScene } from '../plan-scene.js';
import { addOrder } from '../scene-orders.js';
import { flatPair, flatPorts, flatRequest } from '../testing/flat-world.js';
import { readCoordinator, readPlan, readScene, readScenes, readStatus, readSubmittedPlan } from './read-cluster.js';

const flatPlan = planScene(flatRequest(), flatPair(), flatPorts);
const at = '2026-01-01T00:00:00.000Z';
const put = (store: ObjectStore, key: string, value: unknown): Promise<void> => store.put(key, Buffer.from(JSON.stringify(value)));
const statusOf = (sceneId: string, epoch: number, more: Partial<SceneStatus> = {}): SceneStatus => ({
  v: 1, sceneId, epoch, coordinator: `c-${epoch}`, order: 1, phase: 'tiles', level: 1, startedAt: at, updatedAt: at,
  tasks: { total: 4, published: 4, done: 1, empty: 0, dead: 0 }, tiles: { planned: 4, done: 1, empty: 0, dead: 0 }, deadTasks: noDeadTasks, failure: null, warnings: [], earlierWarnings: 0, products: {}, ...more,
});
async function submitted(store: ObjectStore, sceneId: string): Promise<void> {
  await put(store, catalogKey(sceneId), { v: 1, sceneId, submittedAt: at, by: 'me', images: ['a.tif', 'b.tif'] });
  const { number } = await addOrder(store, { type: 'run', sceneId, at, by: 'me', keepIntermediates: false });
  await put(store, activeKey(sceneId, number), {});
}

test('scenes are those of the catalog, waiting until a coordinator has begun', async (t) => {
  const store = openMemoryStore();
  for (const sceneId of ['b', 'a']) await submitted(store, sceneId);
  t.deepEqual((await readScenes(store)).map(({ sceneId, state }) => [sceneId, state]), [['a', 'waiting'], ['b', 'waiting']]);
  await put(store, statusKey('a', 1), statusOf('a', 1));
  t.deepEqual((await readScenes(store)).map(({ state }) => state), ['tiles', 'waiting']);
});

test('the coordinator with the highest epoch is believed, and an order it has not seen makes a scene wait', async (t) => {
  const store = openMemoryStore();
  await submitted(store, 'town');
  await put(store, statusKey('town', 12), statusOf('town', 12, { phase: 'partial' }));
  await put(store, statusKey('town', 9), statusOf('town', 9, { phase: 'done' }));
  t.is((await readStatus(store, 'town'))?.epoch, 12);
  t.is((await readScene(store, 'town')).state, 'partial');
  await put(store, activeKey('town', 2), {});
  t.is((await readScene(store, 'town')).state, 'waiting');
});

test('the last lease is the coordinator, with its last sign of life', async (t) => {
  const store = openMemoryStore();
  t.is(await readCoordinator(store), null);
  for (const epoch of [1, 2]) await put(store, leaseKey(epoch), { v: 1, epoch, coordinator: `c-${epoch}`, host: 'vm', pid: 1, at, nonce: '' });
  t.like(await readCoordinator(store), { lease: { epoch: 2 }, beat: null });
  await put(store, beatKey(2), { v: 1, epoch: 2, count: 3, at, released: false });
  t.like(await readCoordinator(store), { lease: { coordinator: 'c-2' }, beat: { count: 3 } });
});

test('a scene that altiplano run made takes no orders', async (t) => {
  const store = openMemoryStore();
  await put(store, planKey('town'), flatPlan);
  await t.throwsAsync(readSubmittedPlan(store, 'town'), { instanceOf: InputError, message: /^scene town: altiplano run made it, which takes no orders/ });
  await submitted(store, 'town');
  t.is((await readSubmittedPlan(store, 'town')).sceneId, flatPlan.sceneId);
});

test('a scene that is not there, and an object of another version, are errors that name them', async (t) => {
  const store = openMemoryStore();
  await t.throwsAsync(readScene(store, 'town'), { instanceOf: InputError, message: /^scene town: not in memory:.*altiplano scenes lists/ });
  await t.throwsAsync(readPlan(store, 'town'), { instanceOf: InputError, message: /^scene town: no plan in/ });
  await submitted(store, 'town');
  await put(store, statusKey('town', 1), { ...statusOf('town', 1), v: 2 });
  await t.throwsAsync(readScene(store, 'town'), { instanceOf: InputError, message: /can't read .*status\/00000001\.json: protocol version 2, this program reads 1/ });
  await store.put(statusKey('town', 1), Buffer.from('{'));
  await t.throwsAsync(readScenes(store), { instanceOf: InputError, message: /can't read .*status\/00000001\.json: not JSON/ });
});
