// SPDX-License-Identifier: Apache-2.0
// The pipeline bench itself, on a scene as small as it gets: what it measures is there and adds up. No time is judged.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { commonOptions, parseOptions } from '../harness/options.js';
import { findingsSchema } from '../harness/report.js';
import { suite } from './suite.js';

test.serial('a small run has every figure, and its parts add up', async (t) => {
  t.timeout(300_000);
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-bench-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const args = ['--size', '256', '--small', '128', '--terrain', 'flat', '--agents', '1,2', '--scenes', join(folder, 'scenes'), '--out', join(folder, 'out')];
  const { options } = parseOptions(args, { ...suite.options, ...commonOptions });
  const progress = { say: () => {}, step: () => {}, end: () => {} };
  const findings = findingsSchema.parse(await suite.run({ options, quick: true, only: '', progress }));

  for (const check of findings.checks) t.true(check.holds, `${check.what}: ${check.found}`);
  const names = ['throughput', 'efficiency', 'wall time', 'CPU of all processes', 'coordinator', 'broker', "largest agent's memory", "coordinator's memory", 'store', 'bus',
    'first preview', 'within 1 m', 'median |error|', 'NMAD'];
  const hasSeparate = availableParallelism() > 1;
  for (const [size, agents, runs] of [[128, 1], [256, 1], [256, 2], ...(hasSeparate ? [[256, 2, 'separate'] as const] : [])] as const) {
    const found = findings.measurements.filter(({ labels }) => labels['size'] === size && labels['agents'] === agents && labels['runs'] === runs);
    t.deepEqual(found.map(({ name }) => name), names);
    t.true(found.every(({ name, samples }) => samples.every((value) => value > 0 || name === 'broker')), JSON.stringify(found.map(({ name, samples }) => [name, samples])));
  }

  const pages = findings.measurements.filter(({ name }) => name === 'limit: writing a byte');
  t.deepEqual(pages.map(({ labels }) => labels['pages']), ['unused', 'recycled']);
  t.true(pages.every(({ samples: [cost = NaN] }) => cost > 0 && cost < 1000), JSON.stringify(pages));

  // Every column of CPU seconds: parts + rest = total, to the rounding of what is printed.
  const cpu = findings.tables.find(({ title }) => title.startsWith('Where the CPU goes'));
  const [total = []] = cpu?.rows.filter(([name]) => name === 'total') ?? [];
  const parts = cpu?.rows.filter(([name]) => name !== 'total') ?? [];
  for (const column of hasSeparate ? [1, 4, 7] : [1, 4]) {
    const sum = parts.reduce((all, row) => all + Number(row[column]), 0);
    t.true(Math.abs(sum - Number(total[column])) < 0.005 * (parts.length + 1) && sum > 0.5, `column ${column}: ${sum} and ${total[column]}`);
  }
  const partNames = parts.map(([name]) => name);
  for (const name of ['ingest', 'align', 'stereo.match', 'agents beside tasks', 'merge', 'publish', 'coordinator beside stages', 'broker', 'rest']) {
    t.true(partNames.includes(name), name);
  }
  t.deepEqual(await readdir(folder), ['scenes'], 'runs are removed, scenes stay');
});
