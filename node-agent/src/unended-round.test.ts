// SPDX-License-Identifier: Apache-2.0
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type IngestTask, type TaskOutcome, taskHash } from '@altiplano/protocol';
import { openFileStore, writeOutcome } from '@altiplano/protocol/io';
import { unendedRound } from './unended-round.js';

const task: IngestTask = { v: 1, kind: 'ingest', sceneId: 'scene', taskId: 't1', round: 2, source: '/x.tif', band: 1, mask: null, outKey: 'scenes/scene/images/0.tif' };
const ended = (round: number, hash = taskHash(task)): TaskOutcome => ({
  v: 1, sceneId: 'scene', taskId: 't1', kind: 'ingest', state: 'done', outKey: task.outKey, taskHash: hash, round, attempts: 1, agent: 'other',
  startedAt: '2026-01-01T00:00:00.000Z', wallSeconds: 1, cpuSeconds: 1, stages: {}, metrics: {},
});

test('a result is put until another agent has ended the round, and then neither put nor left', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-unended-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const store = await openFileStore(join(folder, 'store'));
  const path = join(folder, 'result');
  const late = unendedRound(store, task);

  // Neither another round of the task nor other work of its name is this round's end.
  await writeOutcome(store, ended(1));
  await writeOutcome(store, ended(2, 'f'.repeat(16)));
  await writeFile(path, 'pixels');
  t.true(await late.putFileIfAbsent(task.outKey, path));
  t.true(await late.putIfAbsent('scenes/scene/align/w.json', Buffer.from('matches')));

  await writeOutcome(store, ended(2));
  await store.delete(task.outKey); // as a scene that is done is tidied up
  await writeFile(path, 'pixels');
  t.false(await late.putFileIfAbsent(task.outKey, path));
  t.false(await late.putIfAbsent('scenes/scene/align/v.json', Buffer.from('matches')));
  t.deepEqual([await store.has(task.outKey), await store.has('scenes/scene/align/v.json')], [false, false]);
  await t.throwsAsync(access(path), { code: 'ENOENT' });
});
