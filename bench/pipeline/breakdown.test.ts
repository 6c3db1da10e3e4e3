// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { cpuParts, roleOf } from './breakdown.js';
import type { ProcessUse } from './process-tree.js';

const used = (cpuSeconds: number, ...command: string[]): ProcessUse =>
  ({ pid: 1, command, cpuSeconds, peakBytes: 0, readBytes: 0, writtenBytes: 0 });

test('processes are told by their command lines', (t) => {
  t.is(roleOf({ command: ['/usr/bin/node', '/x/coordinator/bin/altiplano.js', 'run'] }), 'coordinator');
  t.is(roleOf({ command: ['/usr/bin/node', '/x/altiplano-agent.js', '--nats', 'nats://127.0.0.1:1'] }), 'agent');
  t.is(roleOf({ command: ['/usr/sbin/nats-server', '-js'] }), 'broker');
  t.is(roleOf({ command: ['/bin/sh', '-c', 'x', 'agent-1', '/usr/bin/node', 'altiplano-agent.js'] }), 'other');
  t.is(roleOf({ command: [] }), 'other');
});

test('parts add up to what all processes used, and what no stage explains is told', (t) => {
  const stages = { ingest: 1, align: 0.5, coarse: 2, stereo: 10, 'stereo.match': 6, 'stereo.read': 3, merge: 1.5, publish: 0.5 };
  const processes = [
    used(7.5, '/usr/bin/node', 'altiplano-agent.js'), used(8, '/usr/bin/node', 'altiplano-agent.js'),
    used(3, '/usr/bin/node', 'altiplano.js'), used(0.25, '/usr/sbin/nats-server'), used(0.01, '/bin/sh'),
  ];
  const parts = cpuParts(stages, { cpuSeconds: 19, processes, peakTogetherBytes: 0 });
  const seconds = Object.fromEntries(parts.map((part) => [part.name, part.seconds]));
  t.deepEqual(seconds, {
    ingest: 1, align: 0.5, coarse: 2, 'stereo.match': 6, 'stereo.read': 3, 'agents beside tasks': 3,
    merge: 1.5, publish: 0.5, 'coordinator beside stages': 1, broker: 0.25, rest: 0.25,
  });
  t.is(parts.reduce((sum, part) => sum + part.seconds, 0), 19);
});
