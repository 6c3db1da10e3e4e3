// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { type TaskAttempt, taskHash } from '@altiplano/protocol';
import { type ObjectStore, openMemoryStore, writeAttempt, writeOutcome } from '@altiplano/protocol/io';
import { ingestTasks, tileTaskId, tileTaskMaker } from '../make-tasks.js';
import { planScene } from '../plan-scene.js';
import { addOrder } from '../scene-orders.js';
import { flatPair, flatPorts, flatRequest } from '../testing/flat-world.js';
import { outcomeOf } from '../testing/outcome.js';
import { tilesOf } from '../tile-index.js';
import { type RowState, type TileRow, rowStates, tileRows } from './tile-rows.js';

const plan = planScene(flatRequest({ tileCells: 512 }), flatPair(), flatPorts);
const full = plan.levels.slice(-1);
const tasks = full.flatMap((level) => [...tilesOf(level)].map((tile) => tileTaskMaker(plan, level, new Map(), null)(tile, '0_1', [0, 100])));
const taskAt = (number: number) => { const task = tasks[number]; if (!task) throw new Error(`no task ${number}`); return task; };

const failed = (number: number, at: string, more: Partial<TaskAttempt> = {}): TaskAttempt => {
  const { sceneId, taskId, kind, round } = taskAt(number);
  return {
    v: 1, sceneId, taskId, kind, taskHash: taskHash(taskAt(number)), round, class: 'transient', code: 'service-unavailable', message: 'store: away', agent: 'a-1',
    startedAt: '2026-01-01T00:00:00.000Z', at, isolated: false, split: false, log: 'vm-1:/var/log/agent.log', ...more,
  };
};

async function rows(store: ObjectStore, ...states: RowState[]): Promise<TileRow[]> {
  const found: TileRow[] = [];
  for await (const row of tileRows(store, plan, new Set(states.length === 0 ? rowStates : states))) found.push(row);
  return found;
}

test('every planned tile is in one state, with who, when, where and why', async (t) => {
  const store = openMemoryStore();
  await writeOutcome(store, outcomeOf(taskAt(0)));
  await writeOutcome(store, { ...outcomeOf(taskAt(1), 'dead'), attempts: 3, log: 'vm-2:agent.log' });
  await writeOutcome(store, outcomeOf(taskAt(2), 'empty'));
  await writeAttempt(store, failed(3, '2026-01-01T00:00:08.000Z'));
  await writeAttempt(store, failed(3, '2026-01-01T00:01:00.000Z', { class: 'crash', code: 'crashed', message: 'its process died', signal: 'SIGSEGV', stage: 'match' }));
  await writeAttempt(store, failed(4, '2026-01-01T00:00:08.000Z', { class: 'drain', code: 'drained', message: 'the agent stops' }));
  const all = await rows(store);
  t.deepEqual(all.map(({ taskId }) => taskId).sort(), tasks.map(({ taskId }) => taskId).sort(), 'none twice, none left out');
  const of = (number: number): TileRow | undefined => all.find(({ taskId }) => taskId === taskAt(number).taskId);
  t.like(of(0), { state: 'done', tile: taskAt(0).tileId, pair: '0_1', level: 1, attempts: 1, message: null, at: '2026-01-01T00:00:02.000Z' });
  t.like(of(1), { state: 'dead', attempts: 3, log: 'vm-2:agent.log', agent: 'test' });
  t.truthy(of(1)?.message);
  t.is(of(2)?.state, 'empty');
  t.like(of(3), { state: 'retrying', attempts: 2, class: 'crash', signal: 'SIGSEGV', stage: 'match', agent: 'a-1', seconds: 60, log: 'vm-1:/var/log/agent.log' });
  t.like(of(4), { state: 'open', attempts: 0 }, 'a drain is no failure');
  for (const state of rowStates) t.deepEqual(await rows(store, state), all.filter((row) => row.state === state), state);
});

test('a tile that was replayed shows its last round only', async (t) => {
  const store = openMemoryStore();
  await writeOutcome(store, outcomeOf(taskAt(0), 'dead'));
  const { number } = await addOrder(store, { type: 'replay', sceneId: plan.sceneId, at: '2026-01-02T00:00:00.000Z', by: 'night shift', taskIds: [taskAt(0).taskId], set: {} });
  t.deepEqual(await rows(store, 'dead'), []);
  t.true((await rows(store, 'open')).some(({ taskId, round }) => taskId === taskAt(0).taskId && round === number));
  await writeOutcome(store, { ...outcomeOf(taskAt(0)), round: number });
  t.deepEqual(await rows(store, 'dead'), []);
  t.deepEqual((await rows(store, 'done')).map(({ taskId, round }) => [taskId, round]), [[taskAt(0).taskId, number]]);
});

test('dead tasks of no tile, and of coarse levels, are listed too', async (t) => {
  const store = openMemoryStore();
  const [ingest] = ingestTasks(plan);
  if (!ingest) return t.fail();
  await writeOutcome(store, outcomeOf(ingest, 'dead'));
  const coarse = { ...outcomeOf(taskAt(0), 'dead'), taskId: tileTaskId(16, 'x-1y2', '0_1') };
  await writeOutcome(store, coarse);
  t.deepEqual((await rows(store, 'dead')).map(({ taskId, tile, pair, level }) => [taskId, tile, pair, level]), [
    [coarse.taskId, 'x-1y2', '0_1', 16], [ingest.taskId, null, null, null],
  ]);
});
