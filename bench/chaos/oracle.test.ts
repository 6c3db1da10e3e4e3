// SPDX-License-Identifier: Apache-2.0
// An oracle that finds nothing is worth what it could have found.
import test from 'ava';
import { type SceneStatus, type ScenePlan, activeKey, attemptKey, ledgerKey, planKey, statusKey } from '@altiplano/protocol';
import { type ObjectStore, openMemoryStore } from '@altiplano/protocol/io';
import { flatPlan } from '../bus/flat-plan.js';
import { type LedgerExpectation, judgeLedger, judgeProducts, judgeStore, lastStatus } from './oracle.js';
import { plannedTasks, sha256 } from './world.js';

const plan: ScenePlan = flatPlan('town', 12);
const tasks = [...plannedTasks(plan)];
const dsm = Buffer.from('the DSM');
const wanted = { rasters: new Map([['dsm.tif', sha256(dsm)]]), tasks: new Map(tasks.map((taskId) => [taskId, 'done'])) };
const none: LedgerExpectation = { wanted, replayed: [], kinds: new Set() };
const at = '2024-01-01T00:00:00.000Z';
const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

const outcomeOf = (taskId: string, state: string, round = 0) => ({
  v: 1, sceneId: 'town', taskId, kind: taskId.replace(/\d*-.*/, ''), state, taskHash: 'abc', round, attempts: 1, agent: 'a', startedAt: at,
  wallSeconds: 1, cpuSeconds: 1, stages: {}, metrics: {}, ...(state === 'dead' && { error: { code: 'x', message: 'crashed' } }),
});
const keyOf = (taskId: string, round = 0): string => ledgerKey('town', { taskId, taskHash: 'abc', round });

async function completeStore(): Promise<{ store: ObjectStore; status: SceneStatus }> {
  const store = openMemoryStore();
  await store.put(planKey('town'), bytesOf(plan));
  for (const taskId of tasks) await store.put(keyOf(taskId), bytesOf(outcomeOf(taskId, 'done')));
  await store.put('scenes/town/products/1-1/dsm.tif', dsm);
  const counts = { done: 0, empty: 0, dead: 0 };
  const status: SceneStatus = {
    v: 1, sceneId: 'town', epoch: 1, coordinator: 'c', order: 1, phase: 'done', level: null, startedAt: at, updatedAt: at,
    tasks: { total: 0, published: 0, ...counts }, tiles: { planned: 0, ...counts }, deadTasks: { ingest: 0, align: 0, coarse: 0, stereo: 0 }, failure: null, warnings: [], earlierWarnings: 0, products: { dsm: 'scenes/town/products/1-1/dsm.tif' },
  };
  await store.put(statusKey('town', 1), bytesOf(status));
  return { store, status };
}

const judgeAll = async (store: ObjectStore, status: SceneStatus, expectation = none): Promise<string[]> =>
  [...await judgeProducts(store, status, wanted), ...await judgeLedger(store, 'town', expectation), ...await judgeStore(store, 'town', status)];

test('a complete scene as it would be undisturbed has no deviation', async (t) => {
  const { store, status } = await completeStore();
  t.deepEqual(await judgeAll(store, status), []);
  t.deepEqual(await lastStatus(store, 'town'), status);
});

test('other bytes, a missing product and one too many are found', async (t) => {
  const { store, status } = await completeStore();
  await store.put('scenes/town/products/1-1/dsm.tif', Buffer.from('the DSm'));
  t.regex((await judgeAll(store, status)).join(), /have other bytes: dsm\.tif/);
  t.deepEqual(await judgeProducts(store, { ...status, products: {} }, wanted), ['products are missing: dsm.tif']);
  t.regex((await judgeProducts(store, { ...status, products: { ...status.products, more: 'scenes/town/products/1-1/more.tif' } }, wanted)).join(), /are too many: more\.tif/);
});

test('a task that is lost, done twice, not planned, or ended otherwise is found', async (t) => {
  const [first = '', second = '', third = ''] = tasks;
  const { store, status } = await completeStore();
  await store.delete(keyOf(first));
  await store.put(ledgerKey('town', { taskId: second, taskHash: 'other', round: 0 }), bytesOf({ ...outcomeOf(second, 'done'), taskHash: 'other' }));
  await store.put(keyOf(third), bytesOf(outcomeOf(third, 'dead')));
  await store.put(keyOf('stereo-x9y9-0_9'), bytesOf(outcomeOf('stereo-x9y9-0_9', 'done')));
  const found = await judgeAll(store, status);
  t.is(found.length, 4, found.join('\n'));
  for (const [taskId, what] of [[first, 'not accounted for'], [second, 'accounted for 2 times'], [third, 'ended as dead'], ['stereo-x9y9-0_9', 'not planned']] as const) {
    t.true(found.some((line) => line.includes(taskId) && line.includes(what)), what);
  }
});

test('a replayed task may have a round more, whose end counts', async (t) => {
  const [first = ''] = tasks;
  const { store, status } = await completeStore();
  await store.put(keyOf(first), bytesOf(outcomeOf(first, 'dead')));
  await store.put(keyOf(first, 2), bytesOf(outcomeOf(first, 'done', 2)));
  t.deepEqual(await judgeAll(store, status, { ...none, replayed: [first] }), []);
  t.regex((await judgeAll(store, status)).join(), /accounted for 2 times/);
});

test('an attempt that nothing explains is found', async (t) => {
  const { store, status } = await completeStore();
  const [first = ''] = tasks;
  const attempt = { ...outcomeOf(first, 'done'), class: 'drain', code: 'x', message: 'asked to stop', at, isolated: false, split: false };
  await store.put(attemptKey('town', { taskId: first, taskHash: 'abc', round: 0 }, 'one'), bytesOf(attempt));
  t.regex((await judgeAll(store, status)).join(), /ended by drain/);
  t.deepEqual(await judgeLedger(store, 'town', { ...none, kinds: new Set(['agent-drain']) }), []);
  await store.put(attemptKey('town', { taskId: first, taskHash: 'abc', round: 0 }, 'one'), bytesOf({ ...attempt, code: 'unwanted' }));
  t.deepEqual(await judgeAll(store, status), []);
});

test('orphans and orders that are still to be carried out are found', async (t) => {
  const { store, status } = await completeStore();
  for (const key of ['scenes/town/partials/x1y1/0_1.abc.tif', 'scenes/town/products/1-0/dsm.tif', statusKey('town', 0), activeKey('town', 1)]) {
    await store.put(key, bytesOf({}));
    t.is((await judgeStore(store, 'town', status)).length, 1, key);
    await store.delete(key);
  }
});
