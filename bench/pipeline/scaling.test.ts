// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import type { RunMeasure } from './measure-run.js';
import { type MeasuredConfig, separateOf, throughputs } from './measured-config.js';
import { scalingChart, scalingTable } from './scaling.js';

/** A run of 60 Mpx that took so many seconds, and of CPU one less. */
const ran = (wallSeconds: number): RunMeasure => ({
  wallSeconds, tree: { cpuSeconds: wallSeconds - 1, processes: [], peakTogetherBytes: 0 }, parts: [], storeBytes: {}, firstPreviewSeconds: null, products: {},
  bus: { inBytes: 0, outBytes: 0, inMessages: 0, outMessages: 0 },
  summary: {
    state: 'done', tiles: { planned: 1, done: 1, empty: 0, dead: 0 }, deadTasks: { ingest: 0, align: 0, coarse: 0, stereo: 0 }, warnings: [], products: {}, pointing: [],
    mpx: 60, coreSeconds: 1, wallSeconds, stages: {}, replayed: [], largestTaskMb: 100,
  },
});
const config = (agents: number, cores: MeasuredConfig['cores'], separate: boolean, ...walls: number[]): MeasuredConfig =>
  ({ size: 8192, agents, cores, separate, runs: walls.map(ran), comparisons: [] });

const one = config(1, [0], false, 30, 31, 30), two = config(2, [0, 1], false, 20, 20, 21);
/** Three repetitions of two runs at the same time. */
const separate = config(2, [0, 1], true, 30, 60, 40, 40, 40, 40);
const free = config(1, null, false, 25, 25, 25);

test('the throughput of separate runs is what those of a repetition did together, each in its own time', (t) => {
  t.deepEqual(throughputs(one), [2, 60 / 31, 2]);
  t.deepEqual(throughputs(separate), [60 / 30 + 60 / 60, 3, 3]);
});

test('agents are compared with as many separate runs of the same size; free ones and separate ones with nothing', (t) => {
  const all = [one, two, separate, free, config(3, [0, 1, 2], true, 1, 1, 1), { ...separate, size: 4096 }];
  t.is(separateOf(all, two), separate);
  t.deepEqual([one, separate, free].map((m) => separateOf(all, m)), [undefined, undefined, undefined]);
});

test('the table says how many times one separate runs are, and how much of that agents reach', (t) => {
  const { rows, note } = scalingTable([one, two, separate, free], one);
  t.deepEqual(rows, [
    ['1 agent on 1 core', '30.00', '2.000', '1.00', '100.0 %', '-', '100.0 %'],
    ['2 agents on 2 cores', '20.00', '3.000', '1.50', '75.0 %', '100.0 %', '65.5 %'],
    ['2 separate runs', '40.00', '3.000', '1.50', '75.0 %', '-', '134.5 %'],
    ['1 agent, free', '25.00', '2.400', '1.20', '120.0 %', '-', '82.8 %'],
  ]);
  t.regex(note ?? '', /2 separate runs are 1\.50 times one: .* 2 agents reach 100\.0 % of it/);
});

test('the chart has a curve of separate runs from one agent on, and none where there are none', (t) => {
  const curves = (large: readonly MeasuredConfig[]) => {
    const chart = scalingChart(large, one);
    return chart.kind === 'lines' ? Object.fromEntries(chart.series.map(({ name, points }) => [name, points])) : {};
  };
  t.deepEqual(curves([one, two, separate, free]), { 'agents': [[1, 2], [2, 3]], 'separate runs': [[1, 2], [2, 3]], 'ideal': [[1, 2], [2, 4]] });
  t.deepEqual(Object.keys(curves([one, two])), ['agents', 'ideal']);
});
