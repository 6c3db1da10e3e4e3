// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { InputError, type SceneOrder, type Task, taskHash } from '@altiplano/protocol';
import { initialState, advanceScene } from './advance-scene.js';
import { planScene } from './plan-scene.js';
import { orderedTask, replayedTasks, taskOrders } from './task-orders.js';
import { flatPair, flatPorts, flatRequest } from './testing/flat-world.js';
import { outcomeOf } from './testing/outcome.js';

const plan = planScene(flatRequest({ tileCells: 512 }), flatPair(), flatPorts);
const told = { v: 1, sceneId: plan.sceneId, at: '2026-01-01T00:00:00.000Z', by: 'test' } as const;
const replay = (number: number, taskIds: string[], set: Record<string, number> = {}): SceneOrder => ({ ...told, number, type: 'replay', taskIds, set });

/** The tasks of a scene as they are published, phase by phase, every one done. */
function publishedTasks(orders: readonly SceneOrder[]): Task[] {
  const published: Task[] = [];
  let { state, commands } = advanceScene(initialState(plan, { orders: taskOrders(orders) }), { type: 'started' });
  for (let from = 0; ;) {
    for (const command of commands) if (command.type === 'publishTasks') published.push(...command.tasks);
    const some = published.slice(from);
    from = published.length;
    if (some.length > 0) ({ state, commands } = advanceScene(state, { type: 'tasksEnded', outcomes: some.map((task) => outcomeOf(task)) }));
    else if (state.phase === 'pointing') ({ state, commands } = advanceScene(state, { type: 'pointingSolved', corrections: new Map() }));
    else return published;
  }
}

test('a replay changes the round of the tasks it names, and nothing else about them', (t) => {
  const before = publishedTasks([]);
  const [first, second] = before.filter(({ kind }) => kind === 'align');
  if (!first || !second) return t.fail();
  const after = publishedTasks([{ ...told, number: 1, type: 'run', keepIntermediates: false }, replay(2, [first.taskId, second.taskId]), replay(5, [second.taskId])]);
  t.deepEqual(after, before.map((task) => ({ ...task, round: task === first ? 2 : task === second ? 5 : 0 })));
  t.is(taskHash({ ...first, round: 2 }), taskHash(first));
});

test('a replay with another parameter is other work with a result of its own', (t) => {
  const [task] = publishedTasks([]).filter(({ kind }) => kind === 'coarse');
  if (task?.kind !== 'coarse') return t.fail();
  const changed = orderedTask(task, taskOrders([replay(2, [task.taskId], { p2: 60 })]));
  t.like(changed, { round: 2, params: { ...task.params, p2: 60 } });
  t.not(taskHash(changed), taskHash(task));
  t.true(changed.outKey.includes(taskHash(changed)));
});

test('the last replay of a task counts, and keeps what those before have set', (t) => {
  const orders = taskOrders([replay(2, ['a', 'b'], { p1: 5, p2: 60 }), replay(3, ['c']), replay(7, ['a'], { p2: 90 })]);
  t.deepEqual(Object.fromEntries(orders), { a: { round: 7, set: { p1: 5, p2: 90 } }, b: { round: 2, set: { p1: 5, p2: 60 } }, c: { round: 3, set: {} } });
});

test('replayed tasks are told in the order of their replays, together where they have the same parameters', (t) => {
  const orders = taskOrders([replay(2, ['a'], { p1: 5 }), replay(3, ['b'], { p2: 60 }), replay(4, ['c']), replay(5, ['a', 'd'], { p2: 60 }), replay(6, ['b', 'a'], { p1: 5 })]);
  t.deepEqual(replayedTasks(orders), [
    { order: 4, set: {}, taskIds: ['c'] }, { order: 5, set: { p2: 60 }, taskIds: ['d'] }, { order: 6, set: { p1: 5, p2: 60 }, taskIds: ['a', 'b'] },
  ]);
});

test('a parameter that is none, or out of its range, is refused by name', (t) => {
  const [task] = publishedTasks([]).filter(({ kind }) => kind === 'align');
  if (!task) return t.fail();
  for (const [set, message] of [[{ p3: 1 }, /^parameter p3: not one of p1, p2/], [{ p2: 5 }, /^parameter p1: expected p1 <= p2/]] as const) {
    t.throws(() => orderedTask(task, taskOrders([replay(2, [task.taskId], set)])), { instanceOf: InputError, message });
  }
});

test('an outcome of an earlier round does not end a task that was asked for again', (t) => {
  const orders = taskOrders([replay(3, ['ingest-0'])]);
  const { state, commands } = advanceScene(initialState(plan, { orders }), { type: 'started' });
  const [task] = commands.flatMap((command) => (command.type === 'publishTasks' ? command.tasks : []));
  if (!task) return t.fail();
  t.is(task.round, 3);
  t.is(advanceScene(state, { type: 'tasksEnded', outcomes: [{ ...outcomeOf(task), round: 0 }] }).state, state);
  for (const round of [3, 4]) t.not(advanceScene(state, { type: 'tasksEnded', outcomes: [{ ...outcomeOf(task), round }] }).state, state);
});
