// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ServiceUnavailableError, type Task, type TaskAttempt, taskHash } from '@altiplano/protocol';
import { type ObjectStore, openMemoryStore, writeAttempt, writeOutcome } from '@altiplano/protocol/io';
import { type SceneEvent, advanceScene, initialState } from './advance-scene.js';
import { alignTasks } from './make-tasks.js';
import { listedTasks } from './phase-tasks.js';
import { planScene } from './plan-scene.js';
import { readOrders } from './scene-orders.js';
import { openSceneTasks } from './scene-tasks.js';
import { flatPair, flatPorts, flatRequest } from './testing/flat-world.js';
import { outcomeOf } from './testing/outcome.js';

const plan = planScene(flatRequest({ tileCells: 512 }), flatPair(), flatPorts);
const [done, fresh, tried, empty, dead, lost] = alignTasks(plan);
if (!done || !fresh || !tried || !empty || !dead || !lost) throw new Error('the plan has too few align windows');
const tasks = [done, fresh, tried, empty, dead, lost];
const phase = listedTasks(tasks);

const attempt = (task: Task): TaskAttempt => ({
  v: 1, sceneId: task.sceneId, taskId: task.taskId, kind: task.kind, taskHash: taskHash(task), round: task.round, class: 'transient', code: 'service-unavailable',
  message: 'away', agent: 'a', at: '2026-01-01T00:00:00.000Z', isolated: false, split: false,
});

/** A scene's tasks over a store, with what they published, as '<task> <round>' and '?' where it may have been tried, and what they told. */
function openWorld(store: ObjectStore, { triesDeadAgain = false, refuses = () => false }: { readonly triesDeadAgain?: boolean; readonly refuses?: (mayHaveAttempts: boolean) => boolean } = {}) {
  const [published, told]: [string[], SceneEvent[]] = [[], []];
  const sceneTasks = openSceneTasks({
    store,
    queue: {
      async publishTasks(some, { mayHaveAttempts = false } = {}) {
        if (refuses(mayHaveAttempts)) throw new ServiceUnavailableError('bus: away');
        for (const { taskId, round } of some) published.push(`${taskId} ${round}${mayHaveAttempts ? ' ?' : ''}`);
      },
      async *events() { /* none */ },
      onReconnect() { /* never */ },
    },
  }, plan, { triesDeadAgain, tell: (event) => { told.push(event); }, signal: new AbortController().signal });
  const ends = (): string[] => told.flatMap((event) => (event.type === 'tasksEnded' ? event.outcomes.map(({ taskId, state }) => `${taskId} ${state}`) : []));
  return { sceneTasks, published, ends };
}

/** A store after a run that was interrupted: one task was tried, the others ended, and one result was lost since. */
const interrupted = async (): Promise<ObjectStore> => {
  const store = openMemoryStore();
  await writeAttempt(store, attempt(tried));
  for (const [task, state] of [[done, 'done'], [empty, 'empty'], [dead, 'dead'], [lost, 'done']] as const) await writeOutcome(store, outcomeOf(task, state));
  await store.put(done.outKey, Buffer.from('matches'));
  return store;
};

test('what has ended is told, what was tried is published as such, and what has lost its result gets another round', async (t) => {
  const store = await interrupted();
  const { sceneTasks, published, ends } = openWorld(store);
  await sceneTasks.publish(tasks, phase);
  t.deepEqual(published.sort(), [`${fresh.taskId} 0`, `${lost.taskId} 1`, `${tried.taskId} 0 ?`].sort());
  t.deepEqual(ends().sort(), [`${done.taskId} done`, `${empty.taskId} empty`, `${dead.taskId} dead`].sort());
  t.like(await readOrders(store, plan.sceneId), [{ type: 'replay', number: 1, by: 'coordinator', taskIds: [lost.taskId] }]);
});

test('a local run tries dead tasks again, and then only their new round ends them', async (t) => {
  const store = await interrupted();
  const { sceneTasks, published, ends } = openWorld(store, { triesDeadAgain: true });
  await sceneTasks.publish(tasks, phase);
  t.true(published.includes(`${dead.taskId} 1`) && published.includes(`${lost.taskId} 1`));
  t.deepEqual(ends().sort(), [`${done.taskId} done`, `${empty.taskId} empty`].sort());
  const late: SceneEvent = { type: 'tasksEnded', outcomes: [outcomeOf(dead, 'dead'), outcomeOf(fresh), { ...outcomeOf(dead), round: 1 }] };
  t.deepEqual(sceneTasks.withoutOldRounds(late), { type: 'tasksEnded', outcomes: [outcomeOf(fresh), { ...outcomeOf(dead), round: 1 }] });
});

test('publishing again after a failure asks for no further round', async (t) => {
  const store = await interrupted();
  const { sceneTasks, published } = openWorld(store, { triesDeadAgain: true });
  for (let times = 0; times < 2; times += 1) await sceneTasks.publish(tasks, phase);
  t.is((await readOrders(store, plan.sceneId)).length, 1);
  t.deepEqual(published.filter((one) => one.startsWith(dead.taskId)), [`${dead.taskId} 1`, `${dead.taskId} 1`]);
});

test('reconciling tells what the ledger has of open tasks, and publishes the others as perhaps tried', async (t) => {
  const store = openMemoryStore();
  const { state } = advanceScene(initialState(plan), { type: 'started' });
  const [first, second] = [state.tasks.taskAt(0), state.tasks.taskAt(1)];
  const { sceneTasks, published, ends } = openWorld(store);
  await writeOutcome(store, outcomeOf(first));
  await writeOutcome(store, { ...outcomeOf(second), taskHash: 'f'.repeat(16) });
  await sceneTasks.reconcile(state);
  t.deepEqual([ends(), published], [[`${first.taskId} done`], [`${second.taskId} 0 ?`]], 'what ended as other work is no end of this');
  await sceneTasks.reconcile(advanceScene(state, { type: 'tasksEnded', outcomes: [first, second].map((task) => outcomeOf(task)) }).state);
  t.is(published.length - 1, plan.alignWindows.length, 'the next phase');
});

test('a bus that takes no tasks is told to who publishes: it tries again', async (t) => {
  const { state } = advanceScene(initialState(plan), { type: 'started' });
  for (const refused of [true, false]) {
    const { sceneTasks } = openWorld(await interrupted(), { refuses: (mayHaveAttempts) => mayHaveAttempts === refused });
    await t.throwsAsync(sceneTasks.publish(tasks, phase), { instanceOf: ServiceUnavailableError });
    if (refused) await t.throwsAsync(sceneTasks.reconcile(state), { instanceOf: ServiceUnavailableError });
  }
});
