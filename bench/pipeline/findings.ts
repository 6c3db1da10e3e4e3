// SPDX-License-Identifier: Apache-2.0
// From measured runs to measurements, tables, charts and checks.
import type { Comparison } from '@altiplano/coordinator';
import { goalsTable } from '../harness/goals.js';
import type { ChartInput, Check, Findings, MeasurementInput, TableInput } from '../harness/report.js';
import { medianOf, spreadOf } from '../harness/statistics.js';
import { wrap } from '../harness/terminal.js';
import { roleOf } from './breakdown.js';
import { nameOf, whoOf } from './configs.js';
import { type SteadyState, coreHoursPerMillionKm2, mpxPerMillionKm2, steadyState } from './cost.js';
import { fixed, percent } from './figures.js';
import type { RunMeasure } from './measure-run.js';
import { type MeasuredConfig, cpuOf, medianRun, separateOf, throughputOf, throughputs, typicalRun, wallOf } from './measured-config.js';
import type { PageCost } from './page-cost.js';
import { scalingChart, scalingTable } from './scaling.js';

/** Memory of the largest task as its agent estimated it before it began, process included. */
const estimateMb = ({ runs }: MeasuredConfig): number => Math.max(...runs.map(({ summary }) => summary.largestTaskMb));
/** All of a run's Mpx over all of its processes' CPU. */
const mpxPerCoreSecond = ({ summary, tree }: RunMeasure): number => summary.mpx / tree.cpuSeconds;
const shareOf = (run: RunMeasure, role: string): number =>
  run.tree.processes.filter((process) => roleOf(process) === role).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) / run.tree.cpuSeconds;

export interface Circumstances {
  readonly terrain: string;
  readonly gsdM: number;
  /** Whether the scene is one that goals are meant for. */
  readonly isLarge: boolean;
  /** What runs were held to; null = nothing. */
  readonly memoryMb: number | null;
  readonly pages: PageCost;
}

/** `measured` begins with the small scene; all others show the large one, the fewest agents first. */
export function pipelineFindings(measured: readonly MeasuredConfig[], { terrain, gsdM, isLarge, memoryMb, pages }: Circumstances): Findings {
  const [small, ...large] = measured;
  const [one] = large;
  if (small === undefined || one === undefined) throw new Error('expected runs of two sizes');
  const steady = steadyState({ mpx: typicalRun(small).summary.mpx, cpuSeconds: cpuOf(small) }, { mpx: typicalRun(one).summary.mpx, cpuSeconds: cpuOf(one) });
  return {
    measurements: [...measured.flatMap((m) => measurementsOf(m, terrain, one, separateOf(measured, m))), ...pageMeasurements(pages)],
    tables: [
      throughputTable(measured), cpuTable(large), costTable(one, steady, gsdM), scalingTable(large, one), memoryTable(large, memoryMb, pages), bytesTable(large),
      ...(isLarge ? [speedGoals(large, one, steady)] : []),
    ],
    charts: [cpuChart(measured), scalingChart(large, one)],
    checks: [sameProducts(measured), allTilesDone(measured), ...(isLarge ? promises(large, one) : [])],
  };
}

function measurementsOf(measured: MeasuredConfig, terrain: string, one: MeasuredConfig, separate: MeasuredConfig | undefined): MeasurementInput[] {
  const labels = {
    scene: terrain, size: measured.size, agents: measured.agents, cores: measured.cores?.length ?? 'free',
    ...(measured.separate ? { runs: 'separate' } : {}),
  };
  const samples = (name: string, unit: string, better: 'higher' | 'lower', of: (run: RunMeasure) => number): MeasurementInput =>
    ({ name, labels, unit, better, samples: measured.runs.map(of) });
  const exact = (name: string, unit: string, better: 'higher' | 'lower', of: (c: Comparison) => number): MeasurementInput =>
    ({ name, labels, unit, better, samples: measured.comparisons.map(of), exact: true });
  const previews = measured.runs.flatMap(({ firstPreviewSeconds }) => firstPreviewSeconds ?? []);
  return [
    {
      name: 'throughput', labels, unit: 'Mpx/s', better: 'higher', samples: throughputs(measured),
      derived: {
        ...(measured.size === one.size ? { [`times ${nameOf(one)}`]: throughputOf(measured) / throughputOf(one) } : {}),
        ...(separate === undefined ? {} : { '% of separate runs': (100 * throughputOf(measured)) / throughputOf(separate) }),
      },
    },
    samples('efficiency', 'Mpx per core-second', 'higher', mpxPerCoreSecond),
    samples('wall time', 's', 'lower', ({ wallSeconds }) => wallSeconds), samples('CPU of all processes', 's', 'lower', ({ tree }) => tree.cpuSeconds),
    samples('coordinator', '% of CPU', 'lower', (run) => 100 * shareOf(run, 'coordinator')),
    samples('broker', '% of CPU', 'lower', (run) => 100 * shareOf(run, 'broker')),
    samples("largest agent's memory", 'MB', 'lower', (run) => peakMb(run, 'agent')), samples("coordinator's memory", 'MB', 'lower', (run) => peakMb(run, 'coordinator')),
    samples('store', 'MB', 'lower', ({ storeBytes }) => sumOf(storeBytes) / 1e6),
    samples('bus', 'MB', 'lower', ({ bus }) => (bus.inBytes + bus.outBytes) / 1e6),
    ...(previews.length === 0 ? [] : [{ name: 'first preview', labels, unit: 's', better: 'lower', samples: previews } as const]),
    exact('within 1 m', '%', 'higher', (c) => 100 * c.completenessWithin1m), exact('median |error|', 'm', 'lower', (c) => c.medianAbs),
    exact('NMAD', 'm', 'lower', (c) => c.nmad),
  ];
}

function throughputTable(measured: readonly MeasuredConfig[]): TableInput {
  return {
    title: 'Throughput',
    note: `Mpx: megapixels of reference image on ground both images see. Core-seconds: CPU of all processes, bus and coordinator included. From the program's start to
      its end. Preview: until the first merged coarse DSM is in the store. Accuracy against the exact truth, on ground both images see.${
      measured.some(({ separate }) => separate) ? ' Separate runs: Mpx/s of all together, everything else of one of them.' : ''}`,
    columns: [{ name: 'run', align: 'left' }, ...['Mpx', 'wall s', 'CPU s', 'Mpx/s', 'Mpx/core-s', '±', 'coordinator', 'broker', 'preview s', '<1 m', 'med|e| m', 'NMAD m'].map((name) => ({ name }))],
    rows: measured.map((m) => {
      const rates = spreadOf(m.runs.map(mpxPerCoreSecond));
      const [c] = m.comparisons;
      const preview = medianOf(m.runs.flatMap(({ firstPreviewSeconds }) => firstPreviewSeconds ?? []));
      return [
        nameOf(m), fixed(typicalRun(m).summary.mpx, 2), fixed(wallOf(m), 2), fixed(cpuOf(m), 2), fixed(throughputOf(m), 3), fixed(rates.median, 3), m.runs.length > 1 ? percent(rates.relative, 0) : '-',
        percent(medianRun(m, (run) => shareOf(run, 'coordinator'))), percent(medianRun(m, (run) => shareOf(run, 'broker'))),
        fixed(preview, 2), percent(c?.completenessWithin1m ?? NaN, 2), fixed(c?.medianAbs ?? NaN, 3), fixed(c?.nmad ?? NaN, 3),
      ];
    }),
  };
}

function cpuTable(large: readonly MeasuredConfig[]): TableInput {
  const typical = large.map(typicalRun);
  const names = [...new Set(typical.flatMap(({ parts }) => parts.map(({ name }) => name)))];
  const secondsOf = (run: RunMeasure, name: string): number => run.parts.find((part) => part.name === name)?.seconds ?? 0;
  const row = (title: string, of: (run: RunMeasure) => number): string[] =>
    [title, ...typical.flatMap((run) => [fixed(of(run), 2), percent(of(run) / run.tree.cpuSeconds), fixed((1000 * of(run)) / run.summary.mpx, 1)])];
  return {
    title: `Where the CPU goes: ${sizeOf(large)} px`,
    note: `Of the run with the median CPU of its kind; the parts add up to the total. 'beside': CPU of the processes that none of their stages explains (start, bus, idling).
      'rest': shells, and what processes did after the last look at them; below zero by as much as clocks disagree.`,
    columns: [{ name: 'part', align: 'left' }, ...large.flatMap((m) => [`${wrap(whoOf(m), 10)}\ns`, '%', 'ms/Mpx'].map((name) => ({ name })))],
    rows: [...names.map((name) => row(name, (run) => secondsOf(run, name))), row('total', ({ tree }) => tree.cpuSeconds)],
  };
}

function costTable(one: MeasuredConfig, steady: SteadyState | null, gsdM: number): TableInput {
  const plain = medianRun(one, mpxPerCoreSecond);
  const row = (name: string, rate: number): string[] => [name, fixed(rate, 3), fixed(1000 / rate, 0), coreHoursPerMillionKm2(rate, gsdM).toFixed(0)];
  return {
    title: `What a million km2 costs at ${gsdM} m`,
    note: `core-hours = ${(mpxPerMillionKm2(gsdM) / 1e6).toFixed(0)}e6 Mpx (one pair, every place once) / (Mpx per core-second) / 3600. Marginal: the difference of two sizes, start-up taken out. ${
      steady === null ? 'The two sizes are too close, or too noisy, to tell the start-up.' : `Start-up: ${fixed(steady.startupCpuSeconds, 2)} core-seconds, ${percent(steady.startupShare)} of ${nameOf(one)}${
        steady.startupShare > 0.2 ? ': too small a scene to tell what large ones cost' : ''}.`}`,
    columns: [{ name: nameOf(one), align: 'left' }, ...['Mpx/core-s', 'core-ms/Mpx', 'core-hours'].map((name) => ({ name }))],
    rows: [row('plain', plain), ...(steady === null ? [] : [row('marginal', steady.marginalMpxPerCoreSecond)])],
  };
}

function pageMeasurements({ unused, recycled }: PageCost): MeasurementInput[] {
  return Object.entries({ unused, recycled }).map(([pages, cost]) => ({ name: 'limit: writing a byte', labels: { pages }, unit: 'ns', better: 'lower', samples: [cost] }));
}

function memoryTable(large: readonly MeasuredConfig[], memoryMb: number | null, { unused, recycled }: PageCost): TableInput {
  return {
    title: `Memory: ${sizeOf(large)} px`,
    note: `Largest resident set of each process (VmHWM), the most in any run; estimate: what the agent of the largest task said before it began, its process included. ${
      memoryMb === null ? 'Runs were not held to any memory' : `Each run and its files were held to ${memoryMb} MB`}: a byte written takes ${
      fixed(unused, 2)} ns where its page was not used before, ${fixed(recycled, 2)} ns where it was given up a moment ago.`,
    columns: [{ name: 'run', align: 'left' }, ...['agents MB', 'estimate MB', 'of estimate', 'coordinator MB', 'broker MB', 'together MB'].map((name) => ({ name }))],
    rows: large.map((m) => {
      const most = (role: string): number => Math.max(...m.runs.map((run) => peakMb(run, role)));
      return [
        whoOf(m), agentPeaksMb(m).map((mb) => mb.toFixed(0)).join(', '), fixed(estimateMb(m), 0), percent(most('agent') / estimateMb(m)),
        fixed(most('coordinator'), 0), fixed(most('broker'), 0), fixed(Math.max(...m.runs.map(({ tree }) => tree.peakTogetherBytes)) / 2 ** 20, 0),
      ];
    }),
  };
}

function bytesTable(large: readonly MeasuredConfig[]): TableInput {
  const kinds = [...new Set(large.flatMap((m) => Object.keys(typicalRun(m).storeBytes)))].sort();
  return {
    title: `Bytes: ${sizeOf(large)} px`, note: `MB. Store: everything written to it, by kind. Read and written: all read and write calls of the processes: files, pipes, sockets, and the programs
      themselves as they are loaded. Bus: kilobytes of messages to and from the server.`,
    columns: [{ name: 'run', align: 'left' }, ...['store', ...kinds, 'agents\nread', 'written', 'coordinator\nread', 'written', 'bus in\nkB', 'bus out\nkB', 'messages'].map((name) => ({ name }))],
    rows: large.map((m) => {
      const run = typicalRun(m);
      const through = (role: string, of: 'readBytes' | 'writtenBytes'): string =>
        megabytes(run.tree.processes.filter((process) => roleOf(process) === role).reduce((sum, process) => sum + process[of], 0));
      return [
        whoOf(m), megabytes(sumOf(run.storeBytes)), ...kinds.map((kind) => megabytes(run.storeBytes[kind] ?? 0)),
        through('agent', 'readBytes'), through('agent', 'writtenBytes'), through('coordinator', 'readBytes'), through('coordinator', 'writtenBytes'),
        (run.bus.inBytes / 1e3).toFixed(0), (run.bus.outBytes / 1e3).toFixed(0), String(run.bus.inMessages),
      ];
    }),
  };
}

function cpuChart(measured: readonly MeasuredConfig[]): ChartInput {
  return {
    kind: 'stack', title: 'CPU per megapixel', unit: 'core-ms per Mpx',
    bars: measured.map((m) => {
      const { parts, summary } = typicalRun(m);
      return { name: nameOf(m), parts: parts.map(({ name, seconds }) => ({ name, value: Math.max(0, (1000 * seconds) / summary.mpx) })) };
    }),
  };
}

function sameProducts(measured: readonly MeasuredConfig[]): Check {
  const sizes = [...new Set(measured.map(({ size }) => size))];
  const differing = sizes.flatMap((size) => {
    const all = measured.filter((m) => m.size === size).flatMap(({ runs }) => runs.map(({ products }) => products));
    return Object.keys(all[0] ?? {}).filter((name) => all.some((products) => products[name] !== all[0]?.[name])).map((name) => `${name} of ${size} px`);
  });
  const count = measured.reduce((sum, { runs }) => sum + runs.length, 0);
  return { what: 'GeoTIFF products are the same bytes in all runs of a scene', found: differing.length === 0 ? `${count} runs` : `differing: ${differing.join(', ')}`, holds: differing.length === 0 };
}

function allTilesDone(measured: readonly MeasuredConfig[]): Check {
  const dead = measured.reduce((sum, { runs }) => sum + runs.reduce((n, { summary }) => n + summary.tiles.dead, 0), 0);
  return { what: 'no tile failed', found: `${dead} dead`, holds: dead === 0 };
}

/** What the project wants of the whole road on a machine with AVX-512. */
function speedGoals(large: readonly MeasuredConfig[], one: MeasuredConfig, steady: SteadyState | null): TableInput {
  const rate = medianRun(one, mpxPerCoreSecond), share = steady?.startupShare ?? NaN;
  const two = large.find(({ agents, cores, separate }) => agents === 2 * one.agents && cores !== null && !separate);
  const apart = two === undefined ? undefined : separateOf(large, two);
  const times = (m: MeasuredConfig): number => throughputOf(m) / throughputOf(one);
  return goalsTable([
    { what: nameOf(one), wanted: '2 Mpx per core-second', found: fixed(rate, 3), isReached: rate >= 2 },
    { what: 'start-up, of its CPU', wanted: '< 5 %', found: percent(share), isReached: share < 0.05 },
    ...(two === undefined ? [] : [{
      what: 'two agents', wanted: '1.9 times one', isReached: times(two) >= 1.9,
      found: `${fixed(times(two), 2)}${apart === undefined ? '' : `; two separate runs: ${fixed(times(apart), 2)}`}`,
    }]),
  ]);
}

/** What must hold of a scene that is large enough, on any machine. */
function promises(large: readonly MeasuredConfig[], one: MeasuredConfig): Check[] {
  const ofEstimate = Math.max(...large.map((m) => Math.max(...agentPeaksMb(m)) / estimateMb(m)));
  const within = one.comparisons[0]?.completenessWithin1m ?? NaN;
  return [
    { what: "agents' peak memory within 10 % of the largest task's estimate", found: percent(ofEstimate), holds: Math.abs(ofEstimate - 1) <= 0.1 },
    { what: 'within 1 m of the truth >= 97 %', found: percent(within, 2), holds: within >= 0.97 },
  ];
}

const peakMb = ({ tree }: RunMeasure, role: string): number =>
  Math.max(0, ...tree.processes.filter((process) => roleOf(process) === role).map(({ peakBytes }) => peakBytes / 2 ** 20));

/** The peak of each agent, the most of all runs, largest first. */
function agentPeaksMb({ runs }: MeasuredConfig): number[] {
  const perRun = runs.map(({ tree }) => tree.processes.filter((process) => roleOf(process) === 'agent').map(({ peakBytes }) => peakBytes / 2 ** 20).sort((a, b) => b - a));
  return Array.from({ length: Math.max(...perRun.map((peaks) => peaks.length)) }, (_, k) => Math.max(...perRun.map((peaks) => peaks[k] ?? 0)));
}

const sizeOf = ([first]: readonly MeasuredConfig[]): number => first?.size ?? NaN;
const sumOf = (values: Readonly<Record<string, number>>): number => Object.values(values).reduce((sum, value) => sum + value, 0);
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
