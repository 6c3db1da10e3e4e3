// SPDX-License-Identifier: Apache-2.0
// The bus bench itself, on scenes as small as they get: what it measures is there and adds up. No time is judged.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { UsageError, commonOptions, parseOptions } from '../harness/options.js';
import { findingsSchema } from '../harness/report.js';
import { cpuSeconds, cpuSecondsOf, rssBytesOf } from './process-figures.js';
import { suite } from './suite.js';

test.serial('small scenes have every figure, and leave nothing behind', async (t) => {
  t.timeout(120_000);
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-bench-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const args = ['--tiles', '16,40', '--agents', '3', '--hosts', '2', '--task-ms', '1', '--folder', folder];
  const { options } = parseOptions(args, { ...suite.options, ...commonOptions });
  const findings = findingsSchema.parse(await suite.run({ options, quick: false, only: '', progress: { say: () => {}, step: () => {}, end: () => {} } }));

  for (const [name, tiles] of [['saturated', 16], ['saturated', 40], ['half load', 40]] as const) {
    const found = findings.measurements.filter(({ labels }) => labels['case'] === name && labels['tiles'] === tiles);
    t.deepEqual(found.map((one) => one.name), [
      'tasks', 'CPU per task, coordinator', 'CPU per task, agents', 'CPU per task, server', 'coordinator resident', 'coordinator live',
      'latency p99, wait', 'latency p99, run', 'latency p99, tell', 'latency p99, all']);
    // The server's CPU time is counted in ticks of 10 ms, of which so few tasks may take none.
    t.true(found.every((one) => one.samples.every((value) => value > 0 || one.name === 'CPU per task, server')), JSON.stringify(found));
  }
  t.deepEqual(findings.tables.map(({ rows }) => rows.length), [3, 3, 3, 2]);
  t.deepEqual(await readdir(folder), []);
});

test('a case that is not there is refused', async (t) => {
  const { options } = parseOptions([], { ...suite.options, ...commonOptions });
  await t.throwsAsync(async () => suite.run({ options, quick: true, only: 'empty', progress: { say: () => {}, step: () => {}, end: () => {} } }), {
    instanceOf: UsageError, message: /'empty'; there are 'saturated' and 'half load'/,
  });
});

test("a process's own CPU time is that which the system tells of it, and its memory is there", (t) => {
  const until = cpuSeconds() + 0.1;
  while (cpuSeconds() < until);
  t.true(Math.abs(cpuSecondsOf(process.pid) - cpuSeconds()) < 0.1, `${cpuSecondsOf(process.pid)}, ${cpuSeconds()}`);
  t.true(rssBytesOf(process.pid) > 10e6);
});

test('of a process that is not there nothing is known', (t) => {
  t.is(cpuSecondsOf(2 ** 30), NaN);
  t.is(rssBytesOf(2 ** 30), NaN);
});
