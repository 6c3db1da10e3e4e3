// SPDX-License-Identifier: Apache-2.0
import type { ChartInput, Machine, TableInput } from '../harness/report.js';
import { spreadOf } from '../harness/statistics.js';
import { arithmeticKinds, best, type Limits, memoryLevels, streamKinds } from './limits.js';
import { type Equality, equalityCase, type KernelTimes, type PairAccuracy } from './measure.js';
import { type Case, models } from './models.js';
import { roadKernels } from './plan.js';
import { type Rates, ratesOf } from './rates.js';

/** Everything the suite found. */
export interface KernelFindings {
  readonly times: readonly KernelTimes[];
  readonly accuracy: readonly PairAccuracy[];
  readonly equality: readonly Equality[];
  readonly limits: Limits;
  readonly machine: Machine;
  readonly base: Case;
  readonly targets: readonly string[];
  readonly cores: number;
}

const left = (name: string): { name: string; align: 'left' } => ({ name, align: 'left' });
const columns = (first: string, ...names: string[]): TableInput['columns'] => [left(first), ...names.map((name) => ({ name }))];
const percent = (share: number | null): string => (share === null ? '-' : (100 * share).toFixed(0));
const giga = (perSecond: number | null, digits = 1): string => (perSecond === null ? '-' : (perSecond / 1e9).toFixed(digits));
const mega = (perSecond: number | null): string =>
  perSecond === null ? '-' : perSecond / 1e6 >= 100 ? (perSecond / 1e6).toFixed(0) : (perSecond / 1e6).toPrecision(3);
const milliseconds = (seconds: number): string => (1000 * seconds >= 100 ? (1000 * seconds).toFixed(0) : (1000 * seconds).toPrecision(3));
const describe = ({ size, range, bits }: Case): string => `${size} x ${size}, ${range} disparities, ${bits} bits`;

const isBase = ({ base }: KernelFindings) => (times: KernelTimes): boolean => times.group === 'base' && times.case.size === base.size;
const single = (f: KernelFindings): KernelTimes[] => f.times.filter(isBase(f)).filter(({ threads }) => threads === 1);

/** `others`: tables that stand behind the kernels'. */
export function tablesOf(f: KernelFindings, others: readonly TableInput[]): TableInput[] {
  return [baseTable(f), sizesTable(f), coresTable(f), ...others, targetsTable(f), accuracyTable(f), limitsTable(f), targetLimitsTable(f), modelsTable(f)]
    .filter((table) => table.rows.length > 0);
}

function limitsTable({ limits, cores }: KernelFindings): TableInput {
  const row = (n: number): string[] => [
    n === 1 ? '1 thread' : `${n} threads`,
    ...memoryLevels.flatMap((level) => streamKinds.map((kind) => giga(best(limits.bandwidth(level, kind, n))))),
  ];
  return {
    title: 'Limits of this machine: memory, GB/s',
    columns: columns('', ...memoryLevels.flatMap((level) => streamKinds.map((kind) => `${level} ${kind}`))),
    rows: [1, ...(cores > 1 ? [cores] : [])].map(row),
    note: 'The best of all repetitions, measured between the kernels. read: 1 array; copy: 2; triad (c = a + k b): 3. L2 and L3: arrays that fill half of ' +
      'them; memory: four times the L3.',
  };
}

function targetLimitsTable({ limits, cores, targets }: KernelFindings): TableInput {
  const row = (target: string, n: number): string[] => [target, String(n), ...arithmeticKinds.map((kind) => giga(best(limits.arithmetic(kind, target, n)), 0))];
  return {
    title: 'Limits of this machine: vector arithmetic on registers, 10^9 lane bytes/s',
    columns: columns('target', 'threads', ...arithmeticKinds),
    rows: [...targets.map((target) => row(target, 1)), ...(cores > 1 ? [row(targets[0] ?? '', cores)] : [])],
    note: 'int8: the operations of semi-global matching, each as often as its model has it (of 85: 32 minima, 13 additions, 16 saturated ones, 8 subtractions, ' +
      '5 xors, 5 population counts, 6 bytes of sums); int16: minima, additions and subtractions; float: multiplications and additions that are not fused. ' +
      'An operation on a 16-bit lane counts 2, on a float 4, on a double 8.',
  };
}

function baseTable(f: KernelFindings): TableInput {
  return {
    title: `Kernels on one thread: ${describe(f.base)}${f.targets[0] === undefined ? '' : `, ${f.targets[0]}`}`,
    columns: columns('kernel', 'CPU ms', '+- %', 'Mpx/s', 'MDE/s', 'GB/s', 'memory %', 'Gop/s', 'compute %', 'binds', 'exact'),
    rows: single(f).map((times) => {
      const r = ratesOf(times, f.limits, f.machine), equal = f.equality.find(({ kernel }) => kernel === times.kernel);
      return [
        times.kernel, milliseconds(r.seconds), (100 * spreadOf(times.cpu).relative).toFixed(1), mega(r.pixelsPerSecond), mega(r.evaluationsPerSecond),
        giga(r.bytesPerSecond), percent(r.memoryShare), giga(r.operationsPerSecond, 0), percent(r.computeShare), r.binds,
        equal === undefined ? '' : !equal.targetsEqual || !equal.asTwin ? 'NO' : equal.hasTwin ? 'twin' : 'targets',
      ];
    }),
    note: 'CPU time of a call, median and half the interquartile range. MDE/s: million disparity evaluations. GB/s and Gop/s (10^9 lane bytes): by the models below, ' +
      'the least a kernel must move and do. memory %: of the triad bandwidth where its arrays live; compute %: of the arithmetic of its kind. exact: twin = same bits as ' +
      'the slow twin on every SIMD target; targets = no twin here, same bits on every target.',
  };
}

function coresTable(f: KernelFindings): TableInput {
  const counts = [...new Set(f.times.filter(isBase(f)).map(({ threads }) => threads))].sort((a, b) => a - b);
  return {
    title: `On all cores at the same time: ${describe(f.base)}`,
    columns: columns('kernel', ...counts.map((n) => `${n} thr Mpx/s`), 'scaling', 'memory %', 'compute %'),
    rows: counts.length < 2 ? [] : single(f).map(({ kernel }) => {
      const rates = counts.map((n) => f.times.filter(isBase(f)).find((t) => t.kernel === kernel && t.threads === n))
        .map((times) => (times === undefined ? null : ratesOf(times, f.limits, f.machine)));
      const last = rates.at(-1) ?? null;
      const scaling = (last?.pixelsPerSecond ?? NaN) / (rates[0]?.pixelsPerSecond ?? NaN);
      return [kernel, ...rates.map((r) => mega(r?.pixelsPerSecond ?? null)), scaling.toFixed(2), percent(last?.memoryShare ?? null), percent(last?.computeShare ?? null)];
    }),
    note: "A tile of its own per thread, all started together; rates from each thread's CPU time, so that what neighbours take of the cores doesn't count but what " +
      'threads take from each other (bandwidth, caches, clock) does.',
  };
}

function sizesTable(f: KernelFindings): TableInput {
  const chosen = f.times.filter(({ kernel, group }) => ['dense', 'sgm', 'winner', 'matchPair'].includes(kernel) && group !== 'targets');
  const cases = new Map<string, KernelTimes[]>();
  for (const times of chosen) {
    const key = `${times.case.size} ${times.case.range} ${times.case.bits} ${times.threads}`;
    cases.set(key, [...cases.get(key) ?? [], times]);
  }
  const cell = (list: readonly KernelTimes[], kernel: string): [string, string] => {
    const times = list.find((t) => t.kernel === kernel);
    if (times === undefined) return ['-', '-'];
    const r = ratesOf(times, f.limits, f.machine);
    return [mega(r.evaluationsPerSecond), percent(Math.max(r.memoryShare, r.computeShare ?? 0)) + { memory: ' mem', compute: ' cpu', neither: ' ---' }[r.binds]];
  };
  return {
    title: 'Matching: sizes, ranges, bits',
    columns: columns('size', 'range', 'bits', 'threads', 'matchPair ms', '+- %', 'MDE/s', 'dense MDE/s', 'sgm MDE/s', 'of limit %', 'winner MDE/s', 'of limit %'),
    rows: [...cases.values()].map((list) => {
      const [{ case: { size, range, bits }, threads }] = list as [KernelTimes];
      const match = list.find(({ kernel }) => kernel === 'matchPair');
      return [
        String(size), String(range), String(bits), String(threads),
        ...(match === undefined ? ['-', '-'] : [milliseconds(spreadOf(match.cpu).median), (100 * spreadOf(match.cpu).relative).toFixed(1)]),
        cell(list, 'matchPair')[0], cell(list, 'dense')[0], ...cell(list, 'sgm'), ...cell(list, 'winner'),
      ];
    }),
  };
}

function targetsTable(f: KernelFindings): TableInput {
  const all = f.times.filter(({ group }) => group === 'targets');
  const kernels = [...new Set(all.map(({ kernel }) => kernel))];
  const seconds = (kernel: string, target: string): number => spreadOf(all.find((t) => t.kernel === kernel && t.target === target)?.cpu ?? []).median;
  const c = all[0]?.case;
  return {
    title: `SIMD targets side by side, in turns, one thread${c === undefined ? '' : `: ${describe(c)}`}`,
    columns: columns('kernel', ...f.targets.flatMap((target, i) => (i === 0 ? [`${target} ms`] : [`${target} ms`, '%']))),
    rows: kernels.map((kernel) => [kernel, ...f.targets.flatMap((target, i) => {
      const s = seconds(kernel, target);
      return i === 0 ? [milliseconds(s)] : [milliseconds(s), percent(seconds(kernel, f.targets[0] ?? '') / s)];
    })]),
    note: `%: speed as a share of ${f.targets[0] ?? 'the best'}'s. A kernel that wasn't compiled for a target runs the next below it.`,
  };
}

function accuracyTable({ accuracy }: KernelFindings): TableInput {
  return {
    title: 'Error against the truth, of the pixels that both images see, after the filters',
    columns: columns('size', 'range', 'bits', 'valid %', 'bad1 %', 'median px'),
    rows: [...new Map(accuracy.map((a) => [describe(a.case), a])).values()].map(({ case: { size, range, bits }, validPercent, bad1Percent, medianPx }) =>
      [String(size), String(range), String(bits), validPercent.toFixed(2), bad1Percent.toFixed(2), medianPx.toFixed(4)]),
    note: `A made-up town on hills: steps, occlusion, gain and offset between the sensors, noise. Equality with the twins is checked on ${describe(equalityCase)}.`,
  };
}

const modelsTable = (f: KernelFindings): TableInput => ({
  title: 'Models: the least a kernel must do',
  columns: [left('kernel'), left('operations and bytes')],
  rows: single(f).map(({ kernel }) => [kernel, models[kernel]?.text ?? '']),
});

export function chartsOf(f: KernelFindings): ChartInput[] {
  const base = single(f).map((times) => ({ times, rates: ratesOf(times, f.limits, f.machine) }));
  const threads = [...new Set(f.times.filter(isBase(f)).map((t) => t.threads))].sort((a, b) => a - b);
  return [roofline(f, base), ...(threads.length > 1 ? [scaling(f, threads)] : []), breakdown(f), targetBars(f)]
    .filter((chart): chart is ChartInput => chart !== null);
}

function roofline({ limits, targets }: KernelFindings, base: readonly { readonly times: KernelTimes; readonly rates: Rates }[]): ChartInput | null {
  const dots = base.flatMap(({ times, rates }) => (rates.operationsPerSecond === null ? [] :
    [{ name: times.kernel, perByte: rates.operationsPerSecond / rates.bytesPerSecond, perSecond: rates.operationsPerSecond }]));
  if (dots.length === 0) return null;
  return {
    kind: 'roofline', title: 'Roofline, one thread', operation: 'lane bytes', dots,
    compute: [{ name: `${targets[0] ?? ''} int8`, perSecond: best(limits.arithmetic('int8', targets[0] ?? '', 1)) }],
    bandwidth: memoryLevels.map((level) => ({ name: level, bytesPerSecond: best(limits.bandwidth(level, 'triad', 1)) })),
    note: 'Up: more work per second. Right: more work per byte moved. A kernel cannot be above the roofs: the slanted ones are memory, the flat one is arithmetic. ' +
      'The distance to the roof is what is left to gain, or work that the models do not count.',
  };
}

function scaling(f: KernelFindings, threads: readonly number[]): ChartInput {
  const names = ['sgm', 'matchPair', 'rectify', 'triangulate', 'census'];
  const speed = (kernel: string, n: number): number => {
    const times = f.times.filter(isBase(f)).find((t) => t.kernel === kernel && t.threads === n);
    return times === undefined ? NaN : ratesOf(times, f.limits, f.machine).pixelsPerSecond;
  };
  const series = names.filter((name) => Number.isFinite(speed(name, 1))).map((name) =>
    ({ name, points: threads.map((n): [number, number] => [n, speed(name, n) / speed(name, 1)]) }));
  return {
    kind: 'lines', title: 'Scaling over threads', x: 'threads, each with a tile of its own', y: 'throughput, times one thread',
    series: [{ name: 'ideal', ideal: true, points: threads.map((n): [number, number] => [n, n]) }, ...series],
  };
}

function breakdown(f: KernelFindings): ChartInput | null {
  const road = [...roadKernels.around, ...roadKernels.matching], kernels = [...new Set<string>(road)];
  const groups = [...new Set(f.times.filter(({ threads, group }) => threads === 1 && group !== 'targets').map(({ group }) => group))];
  const bars = groups.flatMap((group) => {
    const list = kernels.flatMap((kernel) => f.times.find((t) => t.group === group && t.threads === 1 && t.kernel === kernel) ?? []);
    const [first] = list;
    if (first === undefined || list.length < kernels.length) return [];
    const { size, range, bits } = first.case;
    const times = (kernel: string): number => road.filter((name) => name === kernel).length;
    return [{ name: `${size}² x ${range}, ${bits} bits`, parts: list.map((t) => ({ name: t.kernel, value: (times(t.kernel) * 1e9 * spreadOf(t.cpu).median) / (size * size) })) }];
  });
  return bars.length === 0 ? null : {
    kind: 'stack', title: 'Where the time of a tile goes', unit: 'CPU ms per Mpx', bars,
    note: 'The kernels that the road consists of, each timed by itself; rectification is counted for both images. dense: census, sgm and winner in one.',
  };
}

function targetBars(f: KernelFindings): ChartInput | null {
  const all = f.times.filter(({ group }) => group === 'targets');
  const kernels = [...new Set(all.map(({ kernel }) => kernel))];
  const bestOf = (kernel: string): number => spreadOf(all.find((t) => t.kernel === kernel && t.target === f.targets[0])?.cpu ?? []).median;
  return kernels.length === 0 ? null : {
    kind: 'bars', title: 'SIMD targets side by side', unit: `speed, % of ${f.targets[0] ?? 'the best'}`,
    groups: kernels.map((kernel) => ({
      name: kernel,
      bars: f.targets.map((target) => {
        const { median, low, high } = spreadOf(all.find((t) => t.kernel === kernel && t.target === target)?.cpu ?? []);
        return { name: target, value: (100 * bestOf(kernel)) / median, low: (100 * bestOf(kernel)) / high, high: (100 * bestOf(kernel)) / low };
      }),
    })),
  };
}
