// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { type Task, type TaskOutcome, priorKey, taskHash } from '@altiplano/protocol';
import { type SceneCommand, type SceneEvent, type SceneState, advanceScene, initialState, isFinal, openTasks, partialsOf, tileEnd } from './advance-scene.js';
import { planScene } from './plan-scene.js';
import { flatPair, flatPorts, flatRequest } from './testing/flat-world.js';
import { outcomeOf } from './testing/outcome.js';

const plan = planScene(flatRequest({ tileCells: 512 }), flatPair(), flatPorts);

/** Answers commands as a world without failures would, ending tasks as `endOf` says. */
function answers(command: SceneCommand, endOf: (task: Task) => TaskOutcome['state']): SceneEvent[] {
  switch (command.type) {
    case 'publishTasks': return command.tasks.map((task) => ({ type: 'tasksEnded', outcomes: [outcomeOf(task, endOf(task))] }));
    case 'solvePointing': return [{ type: 'pointingSolved', corrections: new Map([...command.matches.keys()].map((pair) => [pair, { col: [1, 1, 0], row: [2, 0, 1] }])) }];
    case 'mergeTile': return [{ type: 'tileMerged', factor: command.factor, tileId: command.tileId }];
    case 'mergeLevel': return [{ type: 'levelMerged', factor: command.factor }];
    case 'rangeTiles': return [{ type: 'tilesRanged', factor: command.factor, ranges: new Map(plan.levels.flatMap(({ tiles }) => tiles.map(({ id }) => [id, [10, 20]]))), priorKey: priorKey(plan.sceneId, command.from, 'hash') }];
    case 'publishProducts': return [{ type: 'published' }];
  }
}

/** Runs a scene to its end, picking the next event by `pick` and delivering it `times` times. */
function drive(endOf: (task: Task) => TaskOutcome['state'], pick: (count: number) => number = () => 0, times: () => number = () => 1) {
  let state: SceneState = initialState(plan);
  const pending: SceneEvent[] = [{ type: 'started' }];
  const past: SceneEvent[] = [];
  const merged: string[] = [];
  const published: Task[] = [];
  while (pending.length > 0) {
    const [event] = pending.splice(pick(pending.length), 1);
    if (!event) break;
    past.push(event);
    // The event itself, repeats of it, and repeats of something long past.
    for (const e of [...Array<SceneEvent>(times()).fill(event), ...past.slice(pick(past.length)).slice(0, 2)]) {
      const { state: next, commands } = advanceScene(state, e);
      state = next;
      for (const command of commands) {
        if (command.type === 'mergeTile') merged.push(`${command.factor}/${command.tileId}`);
        if (command.type === 'publishTasks') published.push(...command.tasks);
        pending.push(...answers(command, endOf));
      }
    }
  }
  return { state, merged: merged.sort(), published };
}

const summary = ({ state, merged, published }: ReturnType<typeof drive>) => ({
  phase: state.phase, failure: state.failure, merged, tasks: published.map((task) => `${task.taskId} ${taskHash(task)}`).sort(),
  ended: [...state.ended].sort(([a], [b]) => (a < b ? -1 : 1)), merges: [...state.merges].sort(([a], [b]) => (a < b ? -1 : 1)),
});

test('a scene runs through every level to done, each tile merged once', (t) => {
  const { state, merged, published } = drive(() => 'done');
  t.is(state.phase, 'done');
  t.is(merged.length, plan.levels.reduce((sum, { tiles }) => sum + tiles.length, 0));
  t.is(new Set(merged).size, merged.length);
  t.deepEqual([...new Set(published.map(({ kind }) => kind))], ['ingest', 'align', 'coarse', 'stereo']);
  const [coarsest] = published.filter((task) => task.kind === 'coarse');
  t.like(coarsest, { factor: 16, priorKey: null, heightRange: [...plan.heightDomain], correction: { col: [1, 1, 0] } });
  t.like(published.at(-1), { kind: 'stereo', factor: 1, heightRange: [10, 20], priorKey: priorKey(plan.sceneId, 4, 'hash') });
});

test('any order and any duplication of events end in the same state with the same tasks', (t) => {
  const dead = plan.levels.at(-1)?.tiles[2]?.id;
  const endOf = (task: Task): TaskOutcome['state'] => ('tileId' in task && task.factor === 1 && task.tileId === dead ? 'dead' : task.taskId.endsWith('w1') ? 'empty' : 'done');
  const expected = summary(drive(endOf));
  t.is(expected.phase, 'partial');
  t.notThrows(() => fc.assert(fc.property(fc.infiniteStream(fc.nat(1_000_000)), (stream) => {
    const next = (): number => stream.next().value ?? 0;
    t.deepEqual(summary(drive(endOf, (count) => next() % Math.max(1, count), () => 1 + (next() % 3))), expected);
  }), { numRuns: 25 }));
});

test('an event that changes nothing leaves the very same state', (t) => {
  const { state } = advanceScene(initialState(plan), { type: 'started' });
  const [task] = openTasks(state);
  if (!task) return t.fail();
  const { state: once } = advanceScene(state, { type: 'tasksEnded', outcomes: [outcomeOf(task)] });
  const late: SceneEvent[] = [
    { type: 'tasksEnded', outcomes: [outcomeOf(task, 'dead')] }, { type: 'started' }, { type: 'published' }, { type: 'levelMerged', factor: 1 },
    { type: 'tileMerged', factor: 16, tileId: 'x0y0' }, { type: 'tasksEnded', outcomes: [{ ...outcomeOf(task), sceneId: 'other' }] },
  ];
  for (const event of late) t.is(advanceScene(once, event).state, once, event.type);
  t.is(advanceScene(state, { type: 'tasksEnded', outcomes: [{ ...outcomeOf(task), taskHash: 'of-another-plan' }] }).state, state, 'another plan');
});

test('an image that cannot be ingested fails the scene at once', (t) => {
  const { state } = drive((task) => (task.kind === 'ingest' ? 'dead' : 'done'));
  t.is(state.phase, 'failed');
  t.regex(state.failure ?? '', /^ingest-0: made dead/);
});

test('a scene without any match in align still runs, with the RPCs as they are', (t) => {
  t.is(drive((task) => (task.kind === 'align' ? 'empty' : 'done')).state.phase, 'done');
});

test('dead coarse tiles cost nothing but a wider search; dead tiles at full resolution make it partial; all lost is failed', (t) => {
  t.is(drive((task) => (task.kind === 'coarse' ? 'dead' : 'done')).state.phase, 'done');
  let first = true;
  t.is(drive((task) => (task.kind === 'stereo' && first ? ((first = false), 'dead') : 'done')).state.phase, 'partial');
  const lost = drive((task) => (task.kind === 'stereo' ? 'empty' : 'done')).state;
  t.is(lost.phase, 'failed');
  t.regex(lost.failure ?? '', /none of \d+ tile tasks found a height/);
});

test('a tile is merged when it and its neighbours have ended, not before', (t) => {
  let { state, commands } = advanceScene(initialState(plan), { type: 'started' });
  const end = (task: Task): void => {
    const advance = advanceScene(state, { type: 'tasksEnded', outcomes: [outcomeOf(task)] });
    state = advance.state;
    commands = advance.commands;
  };
  for (const task of openTasks(state)) end(task);
  for (const task of openTasks(state)) end(task);
  ({ state } = advanceScene(state, { type: 'pointingSolved', corrections: new Map() }));
  const level = plan.levels[0];
  if (!level) return t.fail();
  for (const task of openTasks(state)) {
    end(task);
    for (const command of commands) {
      if (command.type !== 'mergeTile') continue;
      const tile = level.tiles.find(({ id }) => id === command.tileId);
      const near = level.tiles.filter(({ ix, iy }) => tile && Math.abs(ix - tile.ix) <= 1 && Math.abs(iy - tile.iy) <= 1);
      t.true(near.every((other) => tileEnd(state, other) === 'done' && partialsOf(state, other).length === 1));
    }
  }
  t.true(level.tiles.every(({ id }) => state.merges.get(id) === 'asked'));
  t.false(isFinal(state.phase));
});
