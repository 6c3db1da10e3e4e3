// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { InputError } from '@altiplano/protocol';
import { openMemoryStore, writeOutcome } from '@altiplano/protocol/io';
import { alignTasks, ingestTasks } from './make-tasks.js';
import { planScene } from './plan-scene.js';
import { deadTasks, replayParams, tasksOfTiles } from './resolve-replay.js';
import { addOrder } from './scene-orders.js';
import { flatPair, flatPorts, flatRequest } from './testing/flat-world.js';
import { outcomeOf } from './testing/outcome.js';
import { tilesOf } from './tile-index.js';

const plan = planScene(flatRequest({ tileCells: 512 }), flatPair(), flatPorts);
const tiles = plan.levels.slice(-1).flatMap((level) => [...tilesOf(level)]);
const [first = ''] = tiles.map(({ id }) => id);

test('tiles are tasks of all their pairs or of one, each once; others are refused by name', (t) => {
  t.deepEqual(tasksOfTiles(plan, [first, first], null), [`stereo-${first}-0_1`]);
  t.deepEqual(tasksOfTiles(plan, tiles.map(({ id }) => id), '0_1').length, tiles.length);
  t.throws(() => tasksOfTiles(plan, ['x1y1'], null), { instanceOf: InputError, message: /--tile x1y1: not a tile of scene test; altiplano tiles/ });
  t.throws(() => tasksOfTiles(plan, ['../x'], null), { instanceOf: InputError });
  t.throws(() => tasksOfTiles(plan, [first], '0_2'), { instanceOf: InputError, message: /--pair 0_2: scene test has the pairs 0_1/ });
});

test('dead tasks are those whose last round ended so and that nobody asked for again', async (t) => {
  const store = openMemoryStore();
  const [still, mended, asked, ...fine] = alignTasks(plan);
  const [image] = ingestTasks(plan);
  if (!still || !mended || !asked || !image) return t.fail();
  t.deepEqual(await deadTasks(store, plan.sceneId), []);
  for (const task of [image, still, mended, asked]) await writeOutcome(store, outcomeOf(task, 'dead'));
  for (const task of fine) await writeOutcome(store, outcomeOf(task));
  const { number } = await addOrder(store, { type: 'replay', sceneId: plan.sceneId, at: new Date().toISOString(), by: 'test', taskIds: [still.taskId, mended.taskId], set: {} });
  await writeOutcome(store, outcomeOf({ ...mended, round: number }));
  await writeOutcome(store, outcomeOf({ ...still, round: number }, 'dead'));
  await addOrder(store, { type: 'replay', sceneId: plan.sceneId, at: new Date().toISOString(), by: 'test', taskIds: [asked.taskId], set: {} });
  t.deepEqual(await deadTasks(store, plan.sceneId), [still.taskId, image.taskId].sort());
});

test('parameters are those of --set, and must make sense for the scene', (t) => {
  t.deepEqual(replayParams(plan, ['matching.p2=60', 'p1=12', 'p2=61']), { p2: 61, p1: 12 });
  t.deepEqual(replayParams(plan, []), {});
  t.throws(() => replayParams(plan, ['p3=1']), { instanceOf: InputError, message: /^--set: no parameter 'p3'; there are p1, p2/ });
  t.throws(() => replayParams(plan, ['p2=5']), { instanceOf: InputError, message: /p1/ }, 'less than p1');
});
