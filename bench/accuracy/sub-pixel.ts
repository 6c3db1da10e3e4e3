// SPDX-License-Identifier: Apache-2.0
// Sub-pixel accuracy of the matcher on synthetic pairs with exact truth: errors and whether whole pixels attract.
import { filterDisparity, matchPair } from '@altiplano/kernels';
import type { MeasurementInput } from '../harness/report.js';
import { medianOf, quantileOf } from '../harness/statistics.js';
import type { AccuracyCase } from './accuracy-case.js';
import { type SyntheticPairOptions, syntheticPair } from './synthetic-pair.js';

const size = { width: 320, height: 300 };
/** Pixels at the block's edge that aren't scored: tiles have margins there. */
const border = 10;

type Scene = Omit<SyntheticPairOptions, 'width' | 'height'>;
const slantedPlane = (u: number, v: number): number => 0.021 * u + 0.013 * v - 3.3;
const scenes: Readonly<Record<string, Scene>> = {
  'slanted plane': { disparityAt: slantedPlane },
  'without noise': { disparityAt: slantedPlane, noise: 0 },
  'low contrast': { disparityAt: slantedPlane, contrast: 20 },
  'waves': { disparityAt: (u, v) => 3 * Math.sin(u / 25) * Math.cos(v / 31) + 0.01 * u },
  'steep roof': { disparityAt: (u, v) => -0.25 * Math.abs(u - 160) + 0.02 * v },
};

export interface SubPixelScore {
  readonly scene: string;
  readonly validPercent: number;
  readonly bad1Percent: number;
  readonly meanPx: number; readonly medianPx: number; readonly p90Px: number; readonly p99Px: number;
  readonly biasPx: number;
  /** Largest bias over the ten tenths of a pixel the true disparity can end in. */
  readonly lockingPx: number;
  /** Share of disparities that end in the first or last tenth of a pixel, over the truth's share: 1 = no staircase. */
  readonly wholePixelRatio: number;
}

/** Pairs whose images are samples of one continuous function: errors, bias, and whether whole pixels attract. */
export const subPixelCases: readonly AccuracyCase[] = Object.entries(scenes).map(([scene, options]) => ({
  name: `sub-pixel ${scene}`, isQuick: scene === 'slanted plane',
  measure: () => {
    const name = `sub-pixel ${scene}`, s = scoreScene(scene, options);
    const exact = (what: string, unit: string, better: 'higher' | 'lower', value: number): MeasurementInput =>
      ({ name: what, labels: { scene: name }, unit, better, samples: [value], exact: true });
    return {
      disparity: {
        name, validPercent: s.validPercent, bad1Percent: s.bad1Percent, meanPx: s.meanPx, medianPx: s.medianPx, p90Px: s.p90Px, p99Px: s.p99Px,
        biasPx: s.biasPx, lockingPx: s.lockingPx, wholePixelRatio: s.wholePixelRatio,
      },
      measurements: [
        exact('valid', '%', 'higher', s.validPercent), exact('median error', 'px', 'lower', s.medianPx), exact('p90', 'px', 'lower', s.p90Px),
        exact('p99', 'px', 'lower', s.p99Px), exact('locking', 'px', 'lower', s.lockingPx),
      ],
      checks: scene === 'low contrast' ? [] : [{ what: `${name}: median error <= 0.06 px`, found: `${s.medianPx.toFixed(4)} px`, holds: s.medianPx <= 0.06 }],
    };
  },
}));

function scoreScene(name: string, scene: Scene): SubPixelScore {
  const { ref, sec, truth, range } = syntheticPair({ ...size, ...scene });
  const { disparity } = filterDisparity(matchPair(ref, sec, range));
  const errors: number[] = [];
  const sums = new Float64Array(10), counts = new Float64Array(10);
  let sum = 0, pixels = 0, whole = 0, wholeTruth = 0;
  for (let v = border; v < size.height - border; v++) {
    for (let u = border; u < size.width - border; u++) {
      pixels++;
      const t = truth[v * size.width + u] ?? NaN, d = disparity[v * size.width + u] ?? NaN;
      if (Number.isNaN(d)) continue;
      errors.push(Math.abs(d - t));
      sum += d - t;
      const tenth = Math.floor((t - Math.floor(t)) * 10);
      sums[tenth] = (sums[tenth] ?? 0) + d - t;
      counts[tenth] = (counts[tenth] ?? 0) + 1;
      if (Math.abs(d - Math.round(d)) < 0.1) whole++;
      if (Math.abs(t - Math.round(t)) < 0.1) wholeTruth++;
    }
  }
  return {
    scene: name,
    validPercent: (100 * errors.length) / pixels,
    bad1Percent: (100 * errors.filter((error) => error > 1).length) / errors.length,
    meanPx: errors.reduce((all, error) => all + error, 0) / errors.length, medianPx: medianOf(errors), p90Px: quantileOf(errors, 0.9), p99Px: quantileOf(errors, 0.99),
    biasPx: sum / errors.length,
    lockingPx: Math.max(...Array.from(sums, (s, i) => Math.abs(s / Math.max(1, counts[i] ?? 1)))),
    wholePixelRatio: whole / wholeTruth,
  };
}
