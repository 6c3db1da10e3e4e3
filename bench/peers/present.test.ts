// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { findingsSchema } from '../harness/report.js';
import { findPeer } from './environments.js';
import { measureCommand } from './measure-command.js';
import type { MatcherResult } from './matchers.js';
import { peerFindings } from './present.js';

const score = { scored: 100, validPercent: 99, bad1Percent: 2, meanErrorPx: 0.2, medianErrorPx: 0.1, p90ErrorPx: 0.4, p99ErrorPx: 2 };
const result = (matcher: string, rate: number): MatcherResult => ({ case: 'cones', range: 64, matcher, mdePerSecond: [rate * 0.9, rate, rate * 1.1], score });

test('what is missing is told with its reason, and nothing is beaten by it', (t) => {
  const { tables, measurements } = findingsSchema.parse(peerFindings({
    matchers: [result('Altiplano matchPair', 1000)], pipelines: [], missing: ['cars: no such environment'],
    failures: [{ program: 's2p 1.0', case: 'towns 768', reason: 'exit code 1: no tile' }],
  }));
  const [matchers, absent] = tables;
  t.deepEqual(matchers?.rows.map((row) => row[4]), ['-'], 'no ratio without OpenCV');
  t.deepEqual(absent?.rows, [['missing', 'cars: no such environment'], ['failed', 's2p 1.0 on towns 768: exit code 1: no tile']]);
  t.true(measurements.every(({ labels }) => String(labels['matcher']).startsWith('Altiplano')));
});

test("ratios are against OpenCV's 8 paths on the same pair, as they come and with memory kept", (t) => {
  const { tables: [table] } = findingsSchema.parse(peerFindings({
    matchers: [result('Altiplano matchPair', 1000), result('OpenCV 5.0 SGBM HH, 8 paths', 100), result('OpenCV 5.0 SGBM HH, 8 paths, memory kept', 200)], pipelines: [], missing: [], failures: [],
  }));
  t.deepEqual(table?.rows.map((row) => row.slice(4, 6)), [['10.00', '5.00'], ['1.00', '0.50'], ['2.00', '1.00']]);
});

test('a peer that is not there is missing, not an error', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-peers-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const found = await findPeer(folder, 's2p');
  t.true('missing' in found && found.missing.includes(folder) && found.missing.includes('--install'), JSON.stringify(found));
});

test.serial('a command that takes too long is ended with its children, and says so', async (t) => {
  const { exitCode, output } = await measureCommand(['/bin/sh', '-c', 'sleep 600 & wait'], tmpdir(), 300);
  t.not(exitCode, 0);
  t.regex(output, /ended after/);
});
