// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { goalsTable } from '../harness/goals.js';
import { UsageError } from '../harness/options.js';
import type { Suite } from '../harness/suite.js';
import { type FlowFigures, type FlowOrder, measureFlow } from './measure-flow.js';

const memoryFolder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const goals = { tasksPerSecond: 3000, coordinatorMs: 5 };

export const suite: Suite = {
  summary: 'the task flow alone: tasks per second, latencies, CPU and memory per task',
  help: `Measures the task flow alone: planning, publishing, pulling, acks, ledger and events of a scene whose tasks take a given time and do nothing else. It runs
through a nats-server of its own and a file store, with the coordinator and the agents as processes. All code is that of a real run, except for the kernels
behind the agents and the merging behind the coordinator.

Each agent has its own connection, but many agents share a process, because two hundred Node processes would not fit. The saturated case keeps the queue
full. At half load no more tasks are published ahead than half the number of agents, so that every task finds an idle agent.

Everything shares the machine's cores, other programs too: trust the CPU per task; tasks per second is what the machine had left. Latencies are in
milliseconds: from publishing to pulling (wait), from pulling to publishing the end, less the task's time (run), and from there until the coordinator sees
the end (tell).`,
  options: {
    tiles: { value: 'N,...', help: 'number of tiles at full resolution, one scene for each (default: 1000,10000,100000; with --quick 1000,5000)' },
    agents: { value: 'N', help: 'number of agents', default: '200' },
    hosts: { value: 'N', help: 'number of processes that host the agents', default: '2' },
    folder: { value: 'DIR', help: 'where store and bus keep their files; by default in memory if possible, so that no disk is measured', default: memoryFolder },
    'task-ms': { value: 'MS', help: 'time a task takes', default: '20' },
  },
  async run({ options, quick, only, progress }) {
    const [agents, hosts, taskMs] = [options.count('agents'), options.count('hosts'), options.count('task-ms', 0)];
    const folder = options.text('folder');
    const sizes = options.text('tiles') !== '' ? options.counts('tiles') : quick ? [1000, 5000] : [1000, 10_000, 100_000];
    const largest = Math.max(...sizes);
    const cases: { readonly name: string; readonly order: FlowOrder }[] = [
      ...sizes.map((tiles) => ({ name: 'saturated', order: { tiles, agents, hosts, taskMs, folder, ahead: null } })),
      { name: 'half load', order: { tiles: Math.min(10_000, largest), agents, hosts, taskMs, folder, ahead: Math.max(1, Math.floor(agents / 2)) } },
    ].filter(({ name }) => name.includes(only));
    if (cases.length === 0) throw new UsageError(`no case matches '${only}'; there are 'saturated' and 'half load'`);
    const found: { readonly name: string; readonly order: FlowOrder; readonly figures: FlowFigures }[] = [];
    for (const [i, { name, order }] of cases.entries()) {
      progress.step(i, cases.length, `${name}, ${order.tiles} tiles`);
      found.push({ name, order, figures: await measureFlow(order) });
    }
    const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);
    const labelled = found.map(({ name, order, figures }) => ({ labels: { case: name, tiles: order.tiles, agents, 'task ms': taskMs }, figures }));
    const best = Math.max(0, ...found.map(({ figures }) => figures.tasksPerSecond));
    const dearest = Math.max(0, ...found.map(({ figures }) => figures.cpuMs.coordinator));
    return {
      measurements: labelled.flatMap(({ labels, figures: { tasksPerSecond, cpuMs, coordinator } }) => [
        { name: 'tasks', labels, unit: 'tasks/s', better: 'higher' as const, samples: [tasksPerSecond] },
        ...Object.entries(cpuMs).map(([of, ms]) => ({ name: `CPU per task, ${of}`, labels, unit: 'ms', better: 'lower' as const, samples: [ms] })),
        { name: 'coordinator resident', labels, unit: 'MB', better: 'lower' as const, samples: [coordinator.peakRssBytes / 1e6] },
        { name: 'coordinator live', labels, unit: 'MB', better: 'lower' as const, samples: [coordinator.liveBytes / 1e6] },
        ...Object.entries(coordinator.latencies).map(([of, { p99 }]) =>
          ({ name: `latency p99, ${of}`, labels, unit: 'ms', better: 'lower' as const, samples: [p99] })),
      ]),
      tables: [
        {
          title: `Task flow, ${agents} agents in ${hosts} processes, ${taskMs} ms a task`,
          note: 'CPU in milliseconds per task. First: from the start of the run to the first task published, and to the first ended.',
          columns: [{ name: 'case', align: 'left' },
            ...['tiles', 'tasks/s', 'coordinator', 'agents', 'nats-server', 'together', 'planning s', 'first ms'].map((name) => ({ name }))],
          rows: found.map(({ name, order, figures: { tasksPerSecond, cpuMs, coordinator: c } }) => [
            name, String(order.tiles), tasksPerSecond.toFixed(0), ...[cpuMs.coordinator, cpuMs.agents, cpuMs.server].map((ms) => ms.toFixed(3)),
            (cpuMs.coordinator + cpuMs.agents + cpuMs.server).toFixed(3), c.planSeconds.toFixed(2), `${c.firstPublishedMs} / ${c.firstEndedMs}`,
          ]),
        },
        {
          title: 'Latencies, ms',
          columns: [{ name: 'case', align: 'left' }, { name: 'tiles' }, ...['wait', 'run', 'tell', 'all'].flatMap((of) => ['p50', 'p90', 'p99'].map((p) => ({ name: `${of} ${p}` })))],
          rows: found.map(({ name, order, figures: { coordinator: { latencies: l } } }) =>
            [name, String(order.tiles), ...[l.wait, l.run, l.tell, l.all].flatMap(({ p50, p90, p99 }) => [p50, p90, p99].map((ms) => ms.toFixed(ms < 10 ? 1 : 0)))]),
        },
        {
          title: 'Memory, MB',
          note: 'Coordinator: after planning, the most ever, live objects at the end after a collection. Plan: kB of plan.json.',
          columns: [{ name: 'case', align: 'left' }, ...['tiles', 'planned', 'peak', 'live', 'plan kB', 'agents', 'nats-server'].map((name) => ({ name }))],
          rows: found.map(({ name, order, figures: { coordinator: c, agentsRssBytes, serverRssBytes } }) => [
            name, String(order.tiles), mb(c.planRssBytes), mb(c.peakRssBytes), (c.liveBytes / 1e6).toFixed(1), (c.planBytes / 1e3).toFixed(0), mb(agentsRssBytes), mb(serverRssBytes),
          ]),
        },
        goalsTable([
          { what: 'tasks through the bus', wanted: `${goals.tasksPerSecond} tasks/s`, found: `${best.toFixed(0)} tasks/s`, isReached: best >= goals.tasksPerSecond },
          {
            what: "coordinator's CPU, of the agents' at 0.5 s a tile", wanted: '< 1 %', found: `${(dearest / goals.coordinatorMs).toFixed(2)} % (${dearest.toFixed(3)} ms a task)`,
            isReached: dearest < goals.coordinatorMs,
          },
        ]),
      ],
    };
  },
};
