// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { InputError, type Task, type TaskOutcome, catalogKey, planKey, productKey } from '@altiplano/protocol';
import { type ObjectStore, openMemoryStore, writeOutcome } from '@altiplano/protocol/io';
import { alignTasks, ingestTasks, tileTaskMaker } from '../make-tasks.js';
import { planScene } from '../plan-scene.js';
import { addOrder } from '../scene-orders.js';
import { flatPair, flatPorts, flatRequest } from '../testing/flat-world.js';
import { outcomeOf } from '../testing/outcome.js';
import { tilesOf } from '../tile-index.js';
import { localRow, localText, readLocalRun, readLocalRuns } from './local-run.js';
import { readScene } from './read-cluster.js';
import { whichScene } from './which-scene.js';

const plan = planScene(flatRequest({ tileCells: 512 }), flatPair(), flatPorts);
const { sceneId } = plan;
const tasksOf = (factor: number): Task[] => plan.levels.filter((level) => level.factor === factor).flatMap((level) =>
  [...tilesOf(level)].map((tile) => tileTaskMaker(plan, level, new Map(), null)(tile, '0_1', [0, 100])));
const [coarsest, , stereo] = [16, 4, 1].map(tasksOf);

const put = (store: ObjectStore, key: string, value: unknown): Promise<void> => store.put(key, Buffer.from(JSON.stringify(value)));
const end = async (store: ObjectStore, tasks: readonly Task[], state: TaskOutcome['state'] = 'done'): Promise<void> => {
  for (const task of tasks) await writeOutcome(store, outcomeOf(task, state));
};
async function newStore(): Promise<ObjectStore> {
  const store = openMemoryStore();
  await put(store, planKey(sceneId), plan);
  return store;
}

test('how far a local run is comes from its plan and ledger', async (t) => {
  const store = await newStore();
  t.deepEqual((await readLocalRuns(store)).map(localRow), [[sceneId, 'unfinished', 'ingest 0/2', '-', '0', '-', '-']]);
  await end(store, [...ingestTasks(plan), ...alignTasks(plan), ...(coarsest ?? []).slice(1)]);
  await end(store, (coarsest ?? []).slice(0, 1), 'dead');
  const run = await readLocalRun(store, sceneId);
  t.like(run, { state: 'unfinished', dead: 1, images: plan.images.map(({ source }) => source), products: {} });
  t.deepEqual(run?.phases.map(({ label }) => label), ['ingest', 'align', 'coarse 1/16', 'coarse 1/4', 'stereo']);
  t.deepEqual(run?.phases.map(({ ended, planned }) => ended === planned), [true, true, true, false, false]);
  t.is(run?.phases.at(-1)?.planned, stereo?.length);
  t.regex(run ? localText(run) : '', /state +coarse 1\/4 0\/\d+; made by altiplano run\n[^]*dead +1 task is dead\nnext +altiplano tiles .*\nnext .* tries dead tasks again\n$/);
});

test('a task that is run again has not ended; all ended with one dead is partial', async (t) => {
  const store = await newStore();
  const [first, ...others] = stereo ?? [];
  if (first === undefined) return t.fail();
  await end(store, [...ingestTasks(plan), ...alignTasks(plan), ...tasksOf(16), ...tasksOf(4), ...others]);
  await end(store, [first], 'dead');
  t.like(await readLocalRun(store, sceneId), { state: 'partial', dead: 1 });
  const { number } = await addOrder(store, { type: 'replay', sceneId, at: '2026-01-01T00:00:00.000Z', by: 'coordinator', taskIds: [first.taskId], set: {} });
  t.deepEqual((await readLocalRuns(store)).map(localRow), [[sceneId, 'unfinished', `stereo ${others.length}/${others.length + 1}`, '-', '0', '-', '-']]);
  await writeOutcome(store, { ...outcomeOf(first), round: number });
  t.deepEqual((await readLocalRuns(store)).map(localRow), [[sceneId, 'unfinished', 'publishing', '-', '0', '-', '-']]);
  await put(store, productKey(sceneId, 'run.json'), { state: 'done', products: { dsm: '/out/dsm.tif' } });
  const done = await readLocalRun(store, sceneId);
  t.like(done, { state: 'done', products: { dsm: '/out/dsm.tif' } });
  t.regex(done ? localText(done) : '', /state +done; made by altiplano run\n[^]*dsm +\/out\/dsm\.tif\n$/);
});

test('a scene that was submitted is no local run, and one that was not is told from one that is not there', async (t) => {
  const store = await newStore();
  t.is(await readLocalRun(store, 'other'), null);
  await t.throwsAsync(readScene(store, 'other'), { instanceOf: InputError, message: /not in memory:/ });
  await t.throwsAsync(readScene(store, sceneId), { instanceOf: InputError, message: /altiplano run made it .* altiplano status says how far it is/ });
  await put(store, catalogKey(sceneId), { v: 1, sceneId, submittedAt: '2026-01-01T00:00:00.000Z', by: 'me', images: [] });
  t.is(await readLocalRun(store, sceneId), null);
});

test('the only scene of a store need not be named, submitted or not; of several one must be', async (t) => {
  const store = openMemoryStore();
  t.is(await whichScene(store, 'named'), 'named');
  await t.throwsAsync(whichScene(store, undefined), { instanceOf: InputError, message: /has no scenes; altiplano run and altiplano submit/ });
  await put(store, planKey('a'), plan);
  await put(store, 'scenes/a/ledger/plan.json', {});
  t.is(await whichScene(store, undefined), 'a');
  await put(store, planKey('b'), plan);
  await t.throwsAsync(whichScene(store, undefined), { instanceOf: InputError, message: /--scene: memory: has 2 scenes, say which: a, b$/ });
  await put(store, catalogKey('b'), {});
  t.is(await whichScene(store, undefined), 'b', 'the one that was submitted');
});
