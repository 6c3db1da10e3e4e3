// SPDX-License-Identifier: Apache-2.0
import { goalsTable } from '../harness/goals.js';
import type { TableInput } from '../harness/report.js';
import { medianOf } from '../harness/statistics.js';
import type { FileTimes } from './files.js';
import type { KernelTimes } from './measure.js';
import { roadKernels } from './plan.js';
import type { KernelFindings } from './present.js';
import { ratesOf } from './rates.js';

/** Dense matching up to the left-right check: what the rates of matchers are quoted for. */
const denseKernels = ['dense'];
/** Beside matching: both images are read. */
const aroundFiles = ['read window', 'read window', 'write partial'];

/** What is wanted of kernels beside what was found. */
export function kernelGoals(f: KernelFindings, files: readonly FileTimes[]): TableInput {
  const base = (kernel: string): KernelTimes | undefined =>
    f.times.find((t) => t.group === 'base' && t.threads === 1 && t.kernel === kernel && t.case.size === f.base.size);
  const onTarget = (kernel: string, target: string): number => medianOf(f.times.find((t) => t.group === 'targets' && t.kernel === kernel && t.target === target)?.cpu ?? []);
  const megapixels = (f.base.size * f.base.size) / 1e6;
  const milliseconds = (kernels: readonly string[]): number => 1000 * kernels.reduce((sum, kernel) => sum + medianOf(base(kernel)?.cpu ?? []), 0) / megapixels;
  const speed = (kernel: string): number => {
    const times = base(kernel);
    return times === undefined ? NaN : ratesOf(times, f.limits, f.machine).pixelsPerSecond / 1e6;
  };
  const sgm = base('sgm'), sgmRates = sgm === undefined ? null : ratesOf(sgm, f.limits, f.machine);
  const dense = (f.base.range * 1000) / milliseconds(denseKernels);
  const around = milliseconds(roadKernels.around) + aroundFiles.reduce((sum, name) => {
    const file = files.find((candidate) => candidate.name === name);
    return sum + (1000 * medianOf(file?.cpu ?? [])) / (file?.megapixels ?? NaN);
  }, 0);
  const avx2 = onTarget('matchPair', f.targets[0] ?? '') / onTarget('matchPair', 'AVX2');
  const share = Math.max(sgmRates?.memoryShare ?? NaN, sgmRates?.computeShare ?? NaN);
  const rows: readonly (readonly [string, string, number, string, boolean])[] = [
    ['dense matching (census, sgm, winner), one thread', '1500 MDE/s', dense, 'MDE/s', dense >= 1500],
    ['sgm of the limit that binds', '50 %', 100 * share, '%', share >= 0.5],
    [`matchPair on AVX2 against ${f.targets[0] ?? ''}`, '45 %', 100 * avx2, '%', avx2 >= 0.45],
    ['rectify', '150 Mpx/s', speed('rectify'), 'Mpx/s', speed('rectify') >= 150],
    ['triangulate', '100 Mpx/s', speed('triangulate'), 'Mpx/s', speed('triangulate') >= 100],
    [`around matching, against matchPair at ${f.base.range} disparities`, `< ${milliseconds(['matchPair']).toFixed(0)} ms/Mpx`, around, 'ms/Mpx', around < milliseconds(['matchPair'])],
  ];
  return goalsTable(
    rows.filter(([, , found]) => Number.isFinite(found)).map(([what, wanted, found, unit, isReached]) =>
      ({ what, wanted, found: `${found >= 100 ? found.toFixed(0) : found.toPrecision(3)} ${unit}`, isReached })),
    'Around matching: rectification and reading of both images, search range, filters, triangulation, outliers, rasterization, writing the partial, merge.');
}
