// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import type { AgentInfo } from '@altiplano/protocol';
import { agentsTable } from './agents.js';

const now = Date.parse('2026-01-01T12:00:00.000Z');
const agent = (inHand: AgentInfo['inHand']): AgentInfo => ({
  v: 1, host: 'vm-1', pid: 7, cores: 8, simd: 'AVX2', version: '0.1.0', slots: 2, kinds: ['stereo'], state: 'working', inHand,
  startedAt: '2026-01-01T11:00:00.000Z', log: 'vm-1:agent.log',
});

test('an agent is a row with the task it holds, and a row more for every further one', (t) => {
  const task = { sceneId: 'town', taskId: 'stereo-x1y2-0_1', kind: 'stereo', since: '2026-01-01T11:59:30.000Z', stage: 'match' };
  const rows = agentsTable([['a-1', agent([task, { ...task, taskId: 'stereo-x3y4-0_1' }])], ['a-2', agent([])]], now).trimEnd().split('\n');
  t.deepEqual(rows.map((row) => row.split(/ {2,}/)), [
    ['AGENT', 'STATE', 'HOST', 'SLOTS', 'CORES', 'SIMD', 'VERSION', 'AGE', 'SCENE', 'TASK', 'FOR', 'STAGE'],
    ['a-1', 'working', 'vm-1', '2/2', '8', 'AVX2', '0.1.0', '60m', 'town', 'stereo-x1y2-0_1', '30s', 'match'],
    ['', 'town', 'stereo-x3y4-0_1', '30s', 'match'],
    ['a-2', 'working', 'vm-1', '0/2', '8', 'AVX2', '0.1.0', '60m', '-', '-', '-', '-'],
  ]);
});
