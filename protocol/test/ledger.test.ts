// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { type TaskAttempt, type TaskOutcome, attemptKey, deadKey, ledgerKey } from '../src/index.js';
import { countAttempts, deadOutcomes, endedRounds, findOutcome, openMemoryStore, readAttempts, readOutcome, writeAttempt, writeOutcome } from '../io/index.js';

const round = { taskId: 'stereo-x1y2-0_1', taskHash: '0123456789abcdef', round: 0 };
const outcome = (state: TaskOutcome['state'], agent = 'a', number = 0): TaskOutcome => ({
  v: 1, sceneId: 'scene', kind: 'stereo', state, ...round, round: number, attempts: 1, agent, startedAt: '2026-01-01T00:00:00.000Z', wallSeconds: 1, cpuSeconds: 1,
  stages: {}, metrics: {}, ...(state === 'dead' && { error: { code: 'bad-input', message: 'no RPC', class: 'permanent' as const } }),
});
const attempt = (at: string, agent: string): TaskAttempt => ({
  v: 1, sceneId: 'scene', kind: 'stereo', ...round, class: 'transient', code: 'service-unavailable', message: 'away', agent, at, isolated: false, split: false,
});
const all = async <T>(of: AsyncIterable<T>): Promise<T[]> => { const items: T[] = []; for await (const item of of) items.push(item); return items; };

test('the first outcome of a round counts, and who comes later is told it', async (t) => {
  const store = openMemoryStore();
  t.is(await findOutcome(store, 'scene', round), null);
  const first = outcome('done');
  t.is(await writeOutcome(store, first), first);
  t.deepEqual(await writeOutcome(store, outcome('dead', 'b')), first);
  t.deepEqual(await readOutcome(store, 'scene', round), first);
  t.deepEqual(await all(deadOutcomes(store, 'scene')), [], 'a marker of one that came too late misleads nobody');
});

test('rounds are ended apart, and the dead are found without reading the others', async (t) => {
  const store = openMemoryStore();
  await writeOutcome(store, outcome('dead'));
  await writeOutcome(store, outcome('done', 'a', 3));
  t.deepEqual(await all(endedRounds(store, 'scene')), [round, { ...round, round: 3 }]);
  t.deepEqual(await all(deadOutcomes(store, 'scene')), [outcome('dead')]);
  t.true(await store.has(deadKey('scene', round)));
});

test('an entry of another release, or half of one, is none; the next outcome takes its place', async (t) => {
  for (const entry of ['{"v":99}', '{"v":1,', JSON.stringify({ ...outcome('done'), taskHash: 'f'.repeat(16) })]) {
    const store = openMemoryStore();
    await store.put(ledgerKey('scene', round), Buffer.from(entry));
    t.is(await readOutcome(store, 'scene', round), null);
    await writeOutcome(store, outcome('empty'));
    t.deepEqual(await readOutcome(store, 'scene', round), outcome('empty'));
  }
});

test('keys of other things in the ledger\'s folder are passed over', async (t) => {
  const store = openMemoryStore();
  for (const name of ['x.json', 'a.b.c.json', 'a.b.1.json.tmp', 'a.b.1.2.json']) await store.put(`scenes/scene/ledger/${name}`, Buffer.from('{}'));
  t.deepEqual(await all(endedRounds(store, 'scene')), []);
});

test('attempts add up, none replaces another, and come in the order of their times', async (t) => {
  const store = openMemoryStore();
  const [late, early] = [attempt('2026-01-02T00:00:00.000Z', 'a'), attempt('2026-01-01T00:00:00.000Z', 'b')];
  for (const one of [late, early]) await writeAttempt(store, one);
  await store.put(attemptKey('scene', round, 'broken'), Buffer.from('{'));
  t.deepEqual(await readAttempts(store, 'scene', round), [early, late]);
  t.deepEqual(await countAttempts(store, 'scene'), [{ of: round, attempts: 3 }]);
});
