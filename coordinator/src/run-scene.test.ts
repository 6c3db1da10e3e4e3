// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { InputError, type Task, type TaskRound, ledgerKey } from '@altiplano/protocol';
import { type ObjectStore, endedRounds, openMemoryStore, readOutcome } from '@altiplano/protocol/io';
import { planScene } from './plan-scene.js';
import { type RunOptions, runScene } from './run-scene.js';
import { runSummary } from './scene-result.js';
import { flatPair, flatPorts, flatRequest } from './testing/flat-world.js';
import { type FakeClusterOptions, fakeQueue, fakeWork } from './testing/fake-cluster.js';
import { tilesOf } from './tile-index.js';

const plan = planScene(flatRequest({ tileCells: 512 }), flatPair(), flatPorts);
const tiles = plan.levels.slice(-1).flatMap((level) => [...tilesOf(level)]);
const isStereo = (task: Task, tile: number): boolean => task.kind === 'stereo' && task.tileId === tiles[tile]?.id;

async function run(cluster: FakeClusterOptions = {}, more: Partial<RunOptions> & { store?: ObjectStore; signal?: AbortSignal; calls?: string[]; scene?: typeof plan } = {}) {
  const workDir = await mkdtemp(join(tmpdir(), 'altiplano-run-'));
  const store = more.store ?? openMemoryStore();
  const calls = more.calls ?? [];
  const { queue, published } = fakeQueue(withoutFiles(store), cluster);
  let clock = 0;
  try {
    const ports = { store: withoutFiles(store), queue, work: fakeWork(calls), now: () => (clock += 10), cpuSeconds: () => clock / 1000 };
    const result = await runScene(ports, more.scene ?? plan, { outDir: workDir, workDir, reconcileMs: 5, ...more }, more.signal ?? new AbortController().signal);
    return { result, calls, published, store };
  } finally {
    await rm(workDir, { recursive: true });
  }
}

async function lastRound(store: ObjectStore, taskId: string): Promise<TaskRound> {
  let last: TaskRound = { taskId, taskHash: '', round: -1 };
  for await (const entry of endedRounds(store, plan.sceneId)) if (entry.taskId === taskId && entry.round > last.round) last = entry;
  return last;
}

/** The fake merge writes no local file; publishing one must not look for it. */
const withoutFiles = (store: ObjectStore): ObjectStore => ({ ...store, putFile: (key) => store.put(key, new Uint8Array(1)), gdalPath: (key) => `/store/${key}` });

test('a scene runs from its plan to products, with everything in the summary', async (t) => {
  const { result, calls, published } = await run();
  t.is(result.state, 'done');
  t.deepEqual(result.tiles, { planned: tiles.length, done: tiles.length, empty: 0, dead: 0 });
  t.is(new Set(published).size, published.length, 'nothing is queued twice');
  t.is(result.tally.tasks, published.length);
  t.is(calls.at(-1), `published ${published.length}`);
  t.deepEqual(calls.filter((call) => call.startsWith('merged')).map((call) => call.split(' ')[1]), ['16', '4', '1']);
  const summary = runSummary(result);
  t.deepEqual(Object.keys(summary), ['state', 'tiles', 'deadTasks', 'warnings', 'products', 'pointing', 'mpx', 'coreSeconds', 'wallSeconds', 'stages', 'replayed', 'largestTaskMb']);
  t.deepEqual(summary.pointing, [{ pair: '0_1', rmsPx: 0.1, inliers: plan.alignWindows.length, correctionPx: 1 }]);
  t.true(summary.mpx > 4.1 && summary.mpx < 4.2, '1024 m at 0.5 m squared');
  t.true((summary.stages['stereo'] ?? 0) >= tiles.length && summary.coreSeconds >= published.length);
});

test('a task that will be tried again is told at once, and is no warning of the scene', async (t) => {
  const notes: string[] = [];
  const { result } = await run({ retries: (task) => isStereo(task, 0) }, { onWarning: (message) => { notes.push(message); } });
  t.is(result.state, 'done');
  t.is(notes.length, 1);
  t.regex(notes[0] ?? '', /^stereo-.*: attempt 1 failed, it will be tried again: the store is away$/);
  t.deepEqual(result.warnings, plan.warnings);
});

test('shuffled, doubled and lost events and tasks end in the same products', async (t) => {
  const expected = (await run()).calls;
  t.true(expected.length > 0);
  await fc.assert(fc.asyncProperty(fc.infiniteStream(fc.nat(1_000_000)), async (stream) => {
    const next = (): number => stream.next().value ?? 0;
    const { calls, result } = await run({
      pick: (count) => next() % count, eventCopies: () => next() % 3,
      losesEvent: () => next() % 10 === 0, losesTask: () => next() % 20 === 0,
    });
    t.is(result.state, 'done');
    t.deepEqual(calls, expected);
  }), { numRuns: 15 });
});

test('a dead tile makes the scene partial and is named in the merge', async (t) => {
  const { result, calls } = await run({ endOf: (task) => (isStereo(task, 0) ? 'dead' : isStereo(task, 1) ? 'empty' : 'done') });
  t.is(result.state, 'partial');
  t.deepEqual(result.tiles, { planned: tiles.length, done: tiles.length - 2, empty: 1, dead: 1 });
  t.true(calls.some((call) => call.startsWith('merged 1 ') && call.includes(`${tiles[0]?.id}= dead`)));
});

test('a second run on the same store does only what is missing, and tries dead tiles again', async (t) => {
  const { store } = await run({ endOf: (task) => (isStereo(task, 0) ? 'dead' : 'done') });
  await store.delete(ledgerKey(plan.sceneId, await lastRound(store, `stereo-${tiles[1]?.id}-0_1`)));
  const { result, published } = await run({}, { store, triesDeadAgain: true });
  t.is(result.state, 'done');
  t.deepEqual(published.sort(), [`stereo-${tiles[0]?.id}-0_1`, `stereo-${tiles[1]?.id}-0_1`].sort());
  t.is(result.tiles.done, tiles.length);
});

test('a second run that does not try dead tiles again takes them as they are', async (t) => {
  const { store } = await run({ endOf: (task) => (isStereo(task, 0) ? 'dead' : 'done') });
  const { result, published } = await run({}, { store });
  t.is(result.state, 'partial');
  t.deepEqual(published, []);
});

test('what was tried again stays so: a third run takes the last round, and the ledger keeps every one', async (t) => {
  const { store } = await run({ endOf: (task) => (isStereo(task, 0) ? 'dead' : 'done') });
  const dead = await lastRound(store, `stereo-${tiles[0]?.id}-0_1`);
  await run({}, { store, triesDeadAgain: true });
  const done = await lastRound(store, dead.taskId);
  t.deepEqual([(await readOutcome(store, plan.sceneId, dead))?.state, (await readOutcome(store, plan.sceneId, done))?.state], ['dead', 'done']);
  t.true(done.round > dead.round);
  const third = await run({}, { store });
  t.deepEqual([third.result.state, third.published], ['done', []]);
});

test('a result that went missing is made again', async (t) => {
  const { store } = await run();
  const [tile] = plan.levels.slice(0, 1).flatMap((level) => [...tilesOf(level)]);
  const gone = await readOutcome(store, plan.sceneId, await lastRound(store, `coarse16-${tile?.id}-0_1`));
  await store.delete(gone?.outKey ?? '');
  t.deepEqual((await run({}, { store })).published, [gone?.taskId]);
});

test('an id whose plan is another one is refused', async (t) => {
  const { store } = await run();
  await store.put(`scenes/${plan.sceneId}/plan.json`, new TextEncoder().encode('{}'));
  await t.throwsAsync(run({}, { store }), { instanceOf: InputError, message: /another plan under this id/ });
});

test('an image that fails ingest fails the scene, with its words', async (t) => {
  const { result } = await run({ endOf: (task) => (task.kind === 'ingest' ? 'dead' : 'done') });
  t.is(result.state, 'failed');
  t.regex(result.failure ?? '', /made dead by the test/);
});

test('an abort ends the run and drops unfinished files', async (t) => {
  const stop = new AbortController();
  const calls: string[] = [];
  const onState: RunOptions['onState'] = ({ levelIndex, merged }) => { if (levelIndex === plan.levels.length - 1 && merged > 0) stop.abort(new Error('stop')); };
  await t.throwsAsync(run({ losesEvent: (task) => isStereo(task, tiles.length - 1) }, { signal: stop.signal, onState, calls, reconcileMs: 600_000 }), { message: 'stop' });
  t.is(calls.at(-1), 'abandoned 1');
});

test('a pair with too few matches is warned of and run with its RPCs as they are', async (t) => {
  const warnings: string[] = [];
  const first = plan.alignWindows[0]?.id;
  const { result } = await run({ endOf: (task) => (task.kind === 'align' && task.windowId !== first ? 'empty' : 'done') }, { onWarning: (message) => warnings.push(message) });
  t.is(result.state, 'done');
  t.regex(warnings.join('\n'), /pair 0_1: pointing not solved \(1 match\)/);
  t.deepEqual(result.warnings, warnings);
});

test('a pair some of whose windows are dead is solved without them, warned of, and partial until they are run again', async (t) => {
  const first = plan.alignWindows[0]?.id;
  const lost = `align-${first}`;
  const { result, calls, store } = await run({ endOf: (task) => (task.kind === 'align' && task.windowId === first ? 'dead' : 'done') });
  t.is(result.state, 'partial');
  t.like(runSummary(result), { deadTasks: { ingest: 0, align: 1, coarse: 0, stereo: 0 }, tiles: { done: tiles.length, dead: 0 } });
  const rest = plan.alignWindows.length - 1;
  t.deepEqual(runSummary(result).warnings.slice(plan.warnings.length), [`pair 0_1: 1 of ${rest + 1} align windows is dead; its pointing is solved from ${rest} matches of the others`]);
  t.true(calls.some((call) => call === `solve 0_1 ${rest}`));
  const again = await run({}, { store, triesDeadAgain: true });
  t.is(again.result.state, 'done');
  t.is(again.published[0], lost);
  t.true(again.calls.some((call) => call === `solve 0_1 ${rest + 1}`));
});

test('a pair whose pointing dead windows leave unknown fails the scene: wrong heights are worse than none', async (t) => {
  const { result, calls } = await run({ endOf: (task) => (task.kind === 'align' ? 'dead' : 'done') });
  t.is(result.state, 'failed');
  t.regex(result.failure ?? '', /pair 0_1: (\d+) of \1 align windows are dead, and without them its pointing is not known \(0 match\); altiplano tiles --scene test --state dead .* replay --scene test --dead/);
  t.is(result.deadTasks.align, plan.alignWindows.length);
  t.false(calls.some((call) => call.startsWith('merge')));
});

test('dead coarse tasks are warned of by level, and make the scene partial', async (t) => {
  const { result } = await run({ endOf: (task) => (task.kind === 'coarse' && task.factor === 4 ? 'dead' : 'done') });
  t.is(result.state, 'partial');
  t.is(result.deadTasks.coarse, result.tally.dead.count);
  t.regex(result.warnings.slice(plan.warnings.length).join('\n'), /^level 1\/4: (\d+) of \1 tasks are dead; there the next level searches between the heights around/);
});

test('images that have nothing in common fail the scene before anything is matched', async (t) => {
  const { result, calls } = await run({ endOf: (task) => (task.kind === 'align' ? 'empty' : 'done') });
  t.is(result.state, 'failed');
  t.regex(result.failure ?? '', /none of \d+ windows found a single match \(pairs 0_1\): the images show no texture.* or not the same place$/);
  const narrowed: typeof plan = { ...plan, request: { ...plan.request, heightRange: [10, 60] }, heightDomain: [10, 60] };
  const { result: { failure } } = await run({ endOf: (task) => (task.kind === 'align' ? 'empty' : 'done') }, { scene: narrowed });
  t.regex(failure ?? '', /, or the ground is not between 10 and 60 m$/);
  t.false(calls.some((call) => call.startsWith('merge')));
});
