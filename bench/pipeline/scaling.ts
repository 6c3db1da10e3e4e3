// SPDX-License-Identifier: Apache-2.0
// How much faster several agents are, and how much faster they could be: as fast as separate runs.
import type { ChartInput, TableInput } from '../harness/report.js';
import { whoOf } from './configs.js';
import { fixed, percent } from './figures.js';
import { type MeasuredConfig, cpuOf, separateOf, throughputOf, wallOf } from './measured-config.js';

export function scalingTable(large: readonly MeasuredConfig[], one: MeasuredConfig): TableInput {
  const times = (m: MeasuredConfig): number => throughputOf(m) / throughputOf(one);
  const found = large.flatMap((m) => {
    const separate = separateOf(large, m);
    return separate === undefined ? [] : [`${m.agents} separate runs are ${fixed(times(separate), 2)} times one: more than that, ${m.agents} cores do not give here. ${
      m.agents} agents reach ${percent(times(m) / times(separate))} of it.`];
  });
  return {
    title: `Scaling: ${one.size} px`,
    note: `Mpx/s against ${whoOf(one)}. Efficiency 100 %: as many times as there are agents. CPU: what running together costs, of one run. Separate runs, one to a core,
      share caches, memory and the host, but wait for nothing. ${found.join(' ')}`,
    columns: [{ name: 'run', align: 'left' }, ...['wall s', 'Mpx/s', 'times the first', 'efficiency', 'of separate runs', 'CPU against the first'].map((name) => ({ name }))],
    rows: large.map((m) => {
      const separate = separateOf(large, m);
      return [
        whoOf(m), fixed(wallOf(m), 2), fixed(throughputOf(m), 3), fixed(times(m), 2), percent(times(m) / (m.agents / one.agents)),
        separate === undefined ? '-' : percent(times(m) / times(separate)), percent(cpuOf(m) / cpuOf(one)),
      ];
    }),
  };
}

export function scalingChart(large: readonly MeasuredConfig[], one: MeasuredConfig): ChartInput {
  const pinned = large.filter(({ cores, separate }) => cores !== null && !separate), separate = large.filter((m) => m.separate);
  const counts = [...new Set([...pinned, ...separate].map(({ agents }) => agents))].sort((a, b) => a - b);
  const points = (list: readonly MeasuredConfig[]): [number, number][] => list.map((m) => [m.agents, throughputOf(m)]);
  return {
    kind: 'lines', title: 'Scaling', x: 'agents', y: 'Mpx/s',
    note: `N agents on N cores, everything included.${separate.length === 0 ? '' : ' Separate runs, one agent and one core each, show what the cores give when nothing waits.'}`,
    series: [
      { name: 'agents', points: points(pinned) },
      ...(separate.length === 0 ? [] : [{ name: 'separate runs', points: points([one, ...separate]) }]),
      { name: 'ideal', ideal: true, points: counts.map((count): [number, number] => [count, (throughputOf(one) * count) / one.agents]) },
    ],
  };
}
