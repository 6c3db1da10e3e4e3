// SPDX-License-Identifier: Apache-2.0
import { availableParallelism } from 'node:os';
import { loadNativeBench } from '@altiplano/kernels/testing';
import { UsageError } from '../harness/options.js';
import type { Findings, MeasurementInput } from '../harness/report.js';
import type { Suite, SuiteContext } from '../harness/suite.js';
import { describeMachine } from '../harness/surroundings.js';
import { fileMeasurement, fileNames, fileTable, measureFiles } from './files.js';
import { kernelGoals } from './goals.js';
import { makeLimits } from './limits.js';
import { checkEquality, type Equality, type KernelTimes, measureGroup, type PairAccuracy } from './measure.js';
import { models } from './models.js';
import { baseCase, planGroups, repetitions } from './plan.js';
import { chartsOf, type KernelFindings, tablesOf } from './present.js';
import { ratesOf } from './rates.js';

export const suite: Suite = {
  summary: "every kernel's speed, its share of this machine's limits, and whether its results are exact",
  help: `Times every kernel that a tile goes through, each alone, inside C++ by the CPU clock of its thread, on a synthetic town with true disparities: at sizes of
512 to 2048 pixels, 32 to 256 disparities, 8 and 12 bits, on one thread and on all cores at the same time, and on every SIMD target of the CPU.

Kernels take turns, repetition by repetition, so that busy neighbours and a falling clock affect all of them alike. In between, the same run measures the
most that the machine can do: bandwidth of L2, L3 and memory, and vector arithmetic on registers. Each kernel's share of these limits is printed, and
which of them binds.

Also checked: whether each kernel writes the same bits as its slow twin, and the same on every SIMD target; errors against the truth.

Takes minutes and 2 GB; with --quick half a minute.`,
  options: { targets: { value: 'NAME,…', help: 'SIMD targets to compare, the best first (default: all that this CPU has)' } },
  run,
};

/** Highway's fallbacks: portable code that no kernel's speed matters of, and whose arithmetic a compiler folds away. */
const notSimd = ['EMU128', 'SCALAR'];

function run({ options, quick, only, progress }: SuiteContext): Findings {
  const native = loadNativeBench();
  const names = [...native.stages().map(({ name }) => name), ...fileNames];
  if (!names.some((name) => name.includes(only))) throw new UsageError(`no kernel has '${only}' in its name; there are ${names.join(', ')}`);
  const available = native.targets().filter((target) => !notSimd.includes(target));
  const targets = options.text('targets') === '' ? available : options.text('targets').split(',');
  for (const target of targets) {
    if (!native.targets().includes(target)) throw new UsageError(`this CPU has no ${target}; it has ${native.targets().join(', ')}`);
  }
  const machine = describeMachine(), cores = availableParallelism();
  const groups = planGroups(quick, cores, targets);
  const threads = [...new Set(groups.flatMap((group) => group.threads))];
  const limits = makeLimits(native, machine, threads, targets);
  const times: KernelTimes[] = [], accuracy: PairAccuracy[] = [];
  const equality = checkEquality(native, native.targets(), only);
  for (const [i, group] of groups.entries()) {
    const step = (round: number): void => progress.step(i * (repetitions + 1) + round, groups.length * (repetitions + 1), group.title);
    step(0);
    limits.measure();
    const found = measureGroup(native, group, only, step);
    times.push(...found.times);
    accuracy.push(found.accuracy);
  }
  limits.measure();
  const base = baseCase(quick), files = measureFiles(base.size, only);
  const findings: KernelFindings = { times, accuracy, equality, limits, machine, base, targets, cores };
  return {
    measurements: [
      ...times.map((t) => measurementOf(t, findings)), ...files.map((f) => fileMeasurement(f, base.size)),
      ...accuracyMeasurements(accuracy), ...limitMeasurements(findings, threads),
    ],
    tables: tablesOf(findings, [...(files.length > 0 ? [fileTable(files, base.size)] : []), kernelGoals(findings, files)]),
    charts: chartsOf(findings),
  };
}

function measurementOf(t: KernelTimes, { limits, machine, equality }: KernelFindings): MeasurementInput {
  const rates = ratesOf(t, limits, machine);
  const equal = t.group === 'base' && t.threads === 1 ? equality.find(({ kernel }) => kernel === t.kernel) : undefined;
  return {
    name: t.kernel,
    labels: { size: t.case.size, range: t.case.range, bits: t.case.bits, threads: t.threads, target: t.target, group: t.group },
    unit: 'CPU ms', better: 'lower', samples: t.cpu.map((seconds) => 1000 * seconds),
    derived: {
      'Mpx/s': rates.pixelsPerSecond / 1e6, 'GB/s': rates.bytesPerSecond / 1e9, 'bytes a pixel': (models[t.kernel]?.bytes(t.case) ?? 0) / (t.case.size * t.case.size),
      ...(rates.evaluationsPerSecond === null ? {} : { 'MDE/s': rates.evaluationsPerSecond / 1e6 }),
      ...(rates.operationsPerSecond === null ? {} : { 'Gop/s': rates.operationsPerSecond / 1e9 }),
      'wall ms': 1000 * Math.min(...t.wall),
    },
    limits: [{ name: rates.memory, share: rates.memoryShare }, ...(rates.computeShare === null ? [] : [{ name: 'compute', share: rates.computeShare }])],
    correctness: equal === undefined ? [] : equalityChecks(equal),
  };
}

const equalityChecks = ({ kernel, hasTwin, asTwin, targetsEqual }: Equality) => [
  ...(hasTwin ? [{ what: `${kernel} writes the same bits as its slow twin`, found: asTwin ? 'equal' : 'different', holds: asTwin }] : []),
  { what: `${kernel} writes the same bits on every SIMD target`, found: targetsEqual ? 'equal' : 'different', holds: targetsEqual },
];

const accuracyMeasurements = (accuracy: readonly PairAccuracy[]): MeasurementInput[] =>
  [...new Map(accuracy.map((a) => [JSON.stringify(a.case), a])).values()].flatMap(({ case: c, validPercent, bad1Percent, medianPx }) => {
    const exact = (name: string, unit: string, better: 'higher' | 'lower', value: number): MeasurementInput =>
      ({ name, labels: { size: c.size, range: c.range, bits: c.bits }, unit, better, samples: [value], exact: true });
    return [exact('valid', '%', 'higher', validPercent), exact('bad1', '%', 'lower', bad1Percent), exact('median error', 'px', 'lower', medianPx)];
  });

/** The limits are measurements, too: a comparison of two reports shows when it was the machine that changed. */
function limitMeasurements({ limits, targets }: KernelFindings, threads: readonly number[]): MeasurementInput[] {
  const of = (name: string, labels: Record<string, string | number>, samples: readonly number[]): MeasurementInput[] =>
    (samples.length === 0 ? [] : [{ name, labels, unit: 'GB/s', better: 'higher', samples: samples.map((x) => x / 1e9) }]);
  return threads.flatMap((n) => [
    ...(['L2', 'L3', 'memory'] as const).flatMap((memory) => of('limit: triad', { memory, threads: n }, limits.bandwidth(memory, 'triad', n))),
    ...targets.flatMap((target) => of('limit: int8', { target, threads: n }, limits.arithmetic('int8', target, n))),
  ]);
}
