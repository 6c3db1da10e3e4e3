// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import type { SceneStatus } from '@altiplano/protocol';
import { noDeadTasks } from '../dead-tasks.js';
import { type ClusterFacts, diagnose } from './diagnose.js';
import { phaseText } from './scene-phase.js';
import { age, textTable } from './text-table.js';
import type { TileRow } from './tile-rows.js';

const now = new Date('2026-01-01T12:00:00.000Z');
const ago = (seconds: number): string => new Date(now.getTime() - 1000 * seconds).toISOString();
const status: SceneStatus = {
  v: 1, sceneId: 'town', epoch: 2, coordinator: 'c-2', order: 1, phase: 'tiles', level: 1, startedAt: ago(100), updatedAt: ago(1),
  tasks: { total: 240, published: 240, done: 110, empty: 7, dead: 1 }, tiles: { planned: 240, done: 110, empty: 7, dead: 1 }, deadTasks: noDeadTasks, failure: null, warnings: [], earlierWarnings: 0, products: {},
};
const healthy: ClusterFacts = {
  scene: { sceneId: 'town', state: 'tiles', status, orders: [], entry: { v: 1, sceneId: 'town', submittedAt: ago(200), by: 'me', images: [] } },
  coordinator: {
    lease: { v: 1, epoch: 2, coordinator: 'c-2', host: 'vm-1', pid: 1, at: ago(300), nonce: '1' }, beat: { v: 1, epoch: 2, count: 9, at: ago(1), released: false },
  },
  agents: 3, waiting: 100, retrying: [], now,
};
const row: TileRow = {
  taskId: 't', tile: null, pair: null, level: null, state: 'retrying', round: 0, attempts: 1, class: 'transient', code: 'access-denied', message: 's3://b: forbidden',
  stage: null, signal: null, agent: 'a', at: null, seconds: null, log: null,
};
const withState = (state: ClusterFacts['scene']['state'], more: Partial<SceneStatus> = {}): ClusterFacts =>
  ({ ...healthy, scene: { ...healthy.scene, state, status: { ...status, ...more } } });

test('a scene that goes on has nothing to say', (t) => {
  t.deepEqual(diagnose(healthy), []);
  t.deepEqual(diagnose(withState('done')), []);
  t.deepEqual(diagnose(withState('waiting', { updatedAt: ago(3600) })), [], 'an order given a moment ago, to a scene that ended an hour ago');
});

test('what is missing is named, with what to do', (t) => {
  const beat = healthy.coordinator?.beat ?? null;
  const lease = healthy.coordinator?.lease;
  if (!beat || !lease) return t.fail();
  const cases: [ClusterFacts, RegExp][] = [
    [{ ...healthy, coordinator: null }, /^no coordinator has run on this store; start one: altiplano coordinator$/],
    [{ ...healthy, coordinator: { lease, beat: { ...beat, released: true } } }, /^coordinator c-2 stopped, and none took over/],
    [{ ...healthy, coordinator: { lease, beat: { ...beat, at: ago(90) } } }, /^coordinator c-2 \(vm-1\) gave no sign of life for 90s/],
    [{ ...healthy, agents: null, waiting: null }, /^the bus does not answer/],
    [{ ...healthy, agents: 0 }, /^no agent is there, and 100 tasks wait; start some: altiplano agent$/],
    [{ ...healthy, retrying: [row, { ...row, taskId: 'u' }] }, /^2 tasks are tried again after access-denied: s3:\/\/b: forbidden$/],
    [withState('tiles', { updatedAt: ago(3600) }), /^nothing has happened for 60m; altiplano agents says what agents hold, the log of coordinator c-2 \(vm-1\) whether it reaches the bus$/],
    [withState('failed', { failure: 'ingest-0: no RPC' }), /^failed: ingest-0: no RPC; mend it, then altiplano resume --scene town$/],
    [withState('failed', { failure: 'ingest-0: no RPC', deadTasks: { ...noDeadTasks, ingest: 1 } }), /; mend it, then altiplano replay --scene town --dead$/],
    [withState('partial', { deadTasks: { ...noDeadTasks, align: 1 } }), /^altiplano tiles --scene town --state dead .* altiplano replay --scene town --dead/],
  ];
  for (const [facts, sentence] of cases) {
    const found = diagnose(facts);
    t.is(found.length, 1, String(sentence));
    t.regex(found[0] ?? '', sentence);
  }
});

test('phases read as what is being done', (t) => {
  t.is(phaseText('tiles', status), 'stereo 118/240');
  t.is(phaseText('merging', { ...status, phase: 'merging', level: 4 }), 'merging coarse 1/4');
  t.is(phaseText('waiting', status), 'waiting');
  t.is(phaseText('cancelled', { ...status, phase: 'cancelled' }), 'cancelled');
});

test('tables line up, and ages read as kubectl writes them', (t) => {
  t.is(textTable(['A', 'LONG'], [['x', 'y'], ['xxx', '']]), 'A    LONG\nx    y\nxxx\n');
  t.deepEqual([0, 119, 120, 7199, 7200, 172_799, 172_800, NaN, -5].map(age), ['0s', '119s', '2m', '119m', '2h', '47h', '2d', '-', '0s']);
});
