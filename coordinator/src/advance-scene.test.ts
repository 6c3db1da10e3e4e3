// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { type Task, type TaskOutcome, priorKey, taskHash } from '@altiplano/protocol';
import { type SceneCommand, type SceneEvent, type SceneState, advanceScene, hasTasksAhead, initialState, isFinal, openTasks, partialsOf, tileEnd } from './advance-scene.js';
import { type ByteTable, byteAt } from './byte-table.js';
import { noDeadTasks } from './dead-tasks.js';
import { planScene } from './plan-scene.js';
import { runsOf, tileCount, tilesOf } from './tile-index.js';
import { flatPair, flatPorts, flatRequest } from './testing/flat-world.js';
import { outcomeOf } from './testing/outcome.js';

const plan = planScene(flatRequest({ tileCells: 512 }), flatPair(), flatPorts);
const [fullLevel] = plan.levels.slice(-1);
if (!fullLevel) throw new Error('a plan has levels');

/** Answers commands as a world without failures would, ending tasks as `endOf` says. */
function answers(command: SceneCommand, endOf: (task: Task) => TaskOutcome['state']): SceneEvent[] {
  switch (command.type) {
    case 'publishTasks': return command.tasks.map((task) => ({ type: 'tasksEnded', outcomes: [outcomeOf(task, endOf(task))] }));
    case 'solvePointing': return [{ type: 'pointingSolved', corrections: new Map([...command.matches.keys()].map((pair) => [pair, { col: [1, 1, 0], row: [2, 0, 1] }])) }];
    case 'mergeTile': return [{ type: 'tileMerged', factor: command.factor, tileId: command.tileId }];
    case 'mergeLevel': return [{ type: 'levelMerged', factor: command.factor }];
    case 'rangeTiles': return [{ type: 'tilesRanged', factor: command.factor, ranges: Float64Array.from({ length: 2 * 1000 }, (_, i) => (i % 2 === 0 ? 10 : 20)), priorKey: priorKey(plan.sceneId, command.from, 'hash') }];
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
  /** Tasks that came though none were ahead. */
  let unforeseen = 0;
  while (pending.length > 0) {
    const [event] = pending.splice(pick(pending.length), 1);
    if (!event) break;
    past.push(event);
    // The event itself, repeats of it, and repeats of something long past.
    for (const e of [...Array<SceneEvent>(times()).fill(event), ...past.slice(pick(past.length)).slice(0, 2)]) {
      const { state: next, commands } = advanceScene(state, e);
      if (!hasTasksAhead(state) && commands.some(({ type }) => type === 'publishTasks')) unforeseen += 1;
      state = next;
      for (const command of commands) {
        if (command.type === 'mergeTile') merged.push(`${command.factor}/${command.tileId}`);
        if (command.type === 'publishTasks') published.push(...command.tasks);
        pending.push(...answers(command, endOf));
      }
    }
  }
  return { state, merged: merged.sort(), published, unforeseen };
}

const bytesOf = (table: ByteTable): number[] => Array.from({ length: table.length }, (_, i) => byteAt(table, i));

const summary = ({ state, merged, published, unforeseen }: ReturnType<typeof drive>) => ({
  unforeseen,
  phase: state.phase, failure: state.failure, merged, tasks: published.map((task) => `${task.taskId} ${taskHash(task)}`).sort(),
  ends: bytesOf(state.ends), merges: bytesOf(state.merges), counts: state.endCounts, tiles: state.tileCounts, cells: state.endedCells,
});

test('a scene runs through every level to done, each tile merged once', (t) => {
  const { state, merged, published } = drive(() => 'done');
  t.is(state.phase, 'done');
  t.is(merged.length, plan.levels.reduce((sum, level) => sum + tileCount(level), 0));
  t.is(new Set(merged).size, merged.length);
  t.deepEqual([...new Set(published.map(({ kind }) => kind))], ['ingest', 'align', 'coarse', 'stereo']);
  const [coarsest] = published.filter((task) => task.kind === 'coarse');
  t.like(coarsest, { factor: 16, priorKey: null, heightRange: [...plan.heightDomain], correction: { col: [1, 1, 0] } });
  t.like(published.at(-1), { kind: 'stereo', factor: 1, heightRange: [10, 20], priorKey: priorKey(plan.sceneId, 4, 'hash') });
});

test('tasks are ahead until the last of full resolution has ended, though tiles wait to be merged', (t) => {
  let [state, pending, before]: [SceneState, SceneEvent[], boolean] = [initialState(plan), [{ type: 'started' }], true];
  const held: SceneEvent[] = [];
  while (pending.length > 0) {
    const next = pending.flatMap((event) => {
      const advance = advanceScene(state, event);
      state = advance.state;
      return advance.commands.flatMap((command) => answers(command, () => 'done'));
    });
    const isHeld = (event: SceneEvent): boolean => event.type === 'tileMerged' && event.factor === 1;
    held.push(...next.filter(isHeld));
    pending = next.filter((event) => !isHeld(event));
    if (pending.length > 0) before &&= hasTasksAhead(state);
  }
  t.true(before);
  t.is(held.length, tileCount(fullLevel));
  t.deepEqual([state.phase, hasTasksAhead(state)], ['tiles', false]);
});

test('any order and any duplication of events end in the same state with the same tasks', (t) => {
  const dead = [...tilesOf(fullLevel)][2]?.id;
  const endOf = (task: Task): TaskOutcome['state'] => ('tileId' in task && task.factor === 1 && task.tileId === dead ? 'dead' : task.taskId.endsWith('w1') ? 'empty' : 'done');
  const expected = summary(drive(endOf));
  t.is(expected.phase, 'partial');
  t.is(expected.unforeseen, 0);
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

test('who solves the pointing is told which windows of each pair are dead', (t) => {
  let { state, commands } = advanceScene(initialState(plan), { type: 'started' });
  for (const task of openTasks(state)) ({ state } = advanceScene(state, { type: 'tasksEnded', outcomes: [outcomeOf(task)] }));
  const ends = ['dead', 'empty', 'dead', 'done'] as const;
  let next = 0;
  for (const task of openTasks(state)) ({ state, commands } = advanceScene(state, { type: 'tasksEnded', outcomes: [outcomeOf(task, ends[next++] ?? 'done')] }));
  t.true(next >= ends.length);
  const [command] = commands;
  if (command?.type !== 'solvePointing') return t.fail();
  t.deepEqual([command.dead.get('0_1'), command.matches.get('0_1')?.length], [2, next - 3]);
});

test('a scene without any match in align still runs, with the RPCs as they are', (t) => {
  t.is(drive((task) => (task.kind === 'align' ? 'empty' : 'done')).state.phase, 'done');
});

test('a dead task of whatever kind but ingest lets the scene go on and makes it partial; all lost is failed', (t) => {
  for (const kind of ['align', 'coarse', 'stereo'] as const) {
    let first = true;
    const { state, published } = drive((task) => (task.kind === kind && first ? ((first = false), 'dead') : 'done'));
    t.is(state.phase, 'partial', kind);
    t.deepEqual(state.deadTasks, { ...noDeadTasks, [kind]: 1 });
    t.is(published.at(-1)?.kind, 'stereo');
  }
  const coarse = drive((task) => (task.kind === 'coarse' ? 'dead' : 'done'));
  t.is(coarse.state.phase, 'partial');
  t.is(coarse.state.deadTasks.coarse, coarse.published.filter(({ kind }) => kind === 'coarse').length, 'of all levels');
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
      const tile = [...tilesOf(level)].find(({ id }) => id === command.tileId);
      const near = [...tilesOf(level)].filter(({ ix, iy }) => tile && Math.abs(ix - tile.ix) <= 1 && Math.abs(iy - tile.iy) <= 1);
      t.true(near.every((other) => tileEnd(state, other) === 'done' && partialsOf(state, other).length === 1));
    }
  }
  t.true(bytesOf(state.merges).every((waiting) => waiting === 0), 'the merge of every tile is commanded');
  t.false(isFinal(state.phase));
});

test('tiles merge as the slow, obvious rule says, in any order, on ground with holes, with two pairs and few tasks ahead', (t) => {
  const place = fc.record({ ix: fc.integer({ min: -3, max: 3 }), iy: fc.integer({ min: -2, max: 2 }), pairs: fc.subarray(['0_1', '0_2'], { minLength: 1 }) });
  fc.assert(fc.property(fc.uniqueArray(place, { minLength: 1, maxLength: 25, selector: ({ ix, iy }) => `${ix},${iy}` }), fc.integer({ min: 1, max: 60 }), fc.infiniteStream(fc.nat()), (places, ahead, stream) => {
    const tiles = places.sort((a, b) => b.iy - a.iy || a.ix - b.ix).map(({ ix, iy, pairs }) => ({
      id: `x${ix}y${iy}`, ix, iy, pairs, core: { originE: ix * 64, originN: (iy + 1) * 64, resolution: 1, width: 64, height: 64 },
    }));
    const pairs = plan.pairs.flatMap((pair) => [{ ...pair, id: '0_1' }, { ...pair, id: '0_2' }]);
    const level = { ...fullLevel, tileCells: 64, resolution: 1, tileRuns: runsOf(tiles, 64) };
    let state = initialState({ ...plan, alignWindows: [], pairs, levels: [level] }, { ahead });
    let commands: readonly SceneCommand[] = [];
    const tell = (event: SceneEvent): void => { ({ state, commands } = advanceScene(state, event)); };
    tell({ type: 'started' });
    while (state.phase === 'ingest') tell({ type: 'tasksEnded', outcomes: [...openTasks(state)].map((task) => outcomeOf(task)) });
    tell({ type: 'pointingSolved', corrections: new Map() });

    const waiting = new Map<string, Task>();
    const ended = new Set<string>();
    const merged = new Set<string>();
    const hasEnded = (tile: (typeof tiles)[number]): boolean => tile.pairs.every((pair) => ended.has(`stereo-${tile.id}-${pair}`));
    for (let published = 0; ;) {
      for (const command of commands) {
        if (command.type !== 'publishTasks') continue;
        for (const task of command.tasks) waiting.set(task.taskId, task);
        published += command.tasks.length;
      }
      t.true(waiting.size <= Math.max(1, ahead));
      const open = [...waiting.values()];
      if (open.length === 0) {
        t.is(published, places.reduce((sum, tile) => sum + tile.pairs.length, 0));
        break;
      }
      const batch = open.filter((_, i) => i === 0 || (stream.next().value ?? 0) % 3 === 0).slice((stream.next().value ?? 0) % 2 === 0 ? 0 : -1);
      for (const { taskId } of batch) { waiting.delete(taskId); ended.add(taskId); }
      tell({ type: 'tasksEnded', outcomes: batch.map((task) => outcomeOf(task)) });
      const ready = tiles.filter((tile) => !merged.has(tile.id)
        && tiles.filter(({ ix, iy }) => Math.abs(ix - tile.ix) <= 1 && Math.abs(iy - tile.iy) <= 1).every(hasEnded)).map(({ id }) => id);
      for (const id of ready) merged.add(id);
      t.deepEqual(commands.flatMap((command) => (command.type === 'mergeTile' ? [command.tileId] : [])).sort(), ready.sort());
    }
    t.is(merged.size, tiles.length);
  }), { numRuns: 200 });
});
