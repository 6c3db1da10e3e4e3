// SPDX-License-Identifier: Apache-2.0
// Sub-pixel accuracy of the matcher on synthetic pairs with exact truth: errors and whether whole pixels attract.
// Usage: npm run bench -- sub-pixel
import { filterDisparity, matchPair } from '@altiplano/kernels';
import { medianOf, quantileOf } from '../harness/statistics.js';
import { type Suite } from '../harness/suite.js';
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
  readonly medianPx: number; readonly p90Px: number; readonly p99Px: number;
  readonly biasPx: number;
  /** Largest bias over the ten tenths of a pixel the true disparity can end in. */
  readonly lockingPx: number;
  /** Share of disparities that end in the first or last tenth of a pixel, over the truth's share: 1 = no staircase. */
  readonly wholePixelRatio: number;
}

export const suite: Suite = {
  summary: 'bias of the matcher between whole pixels',
  help: `Matches synthetic pairs with exact sub-pixel truth (both images are samples of one continuous function) and looks at errors, bias, and
whether whole pixels attract. locking: the largest bias over the ten tenths of a pixel a true disparity can end in. whole-pixel ratio: share of
disparities within 0.1 px of a whole pixel over the truth's share, 1 = no staircase. Half a minute.`,
  run: ({ only, progress }) => {
    const chosen = Object.entries(scenes).filter(([name]) => name.includes(only));
    const scores = chosen.map(([name, scene], i) => {
      progress.step(i, chosen.length, name);
      return scoreScene(name, scene);
    });
    return {
      measurements: scores.flatMap(({ scene, ...s }) => [
        ...(['medianPx', 'p90Px', 'p99Px', 'lockingPx'] as const).map((name) =>
          ({ name: name.slice(0, -2), labels: { scene }, unit: 'px', better: 'lower' as const, samples: [s[name]], exact: true })),
        { name: 'valid', labels: { scene }, unit: '%', better: 'higher' as const, samples: [s.validPercent], exact: true },
      ]),
      tables: [{
        title: 'Errors of disparities, pixels',
        columns: [{ name: 'scene', align: 'left' },
          ...['valid %', 'median', 'p90', 'p99', 'bias', 'locking', 'whole-pixel ratio'].map((name) => ({ name }))],
        rows: scores.map((s) => [s.scene, s.validPercent.toFixed(2), ...[s.medianPx, s.p90Px, s.p99Px, s.biasPx, s.lockingPx].map((x) => x.toFixed(4)),
          s.wholePixelRatio.toFixed(3)]),
      }],
      checks: scores.filter((s) => s.scene !== 'low contrast').map((s) =>
        ({ what: `${s.scene}: median error <= 0.06 px`, found: `${s.medianPx.toFixed(4)} px`, holds: s.medianPx <= 0.06 })),
    };
  },
};

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
    medianPx: medianOf(errors), p90Px: quantileOf(errors, 0.9), p99Px: quantileOf(errors, 0.99),
    biasPx: sum / errors.length,
    lockingPx: Math.max(...Array.from(sums, (s, i) => Math.abs(s / Math.max(1, counts[i] ?? 1)))),
    wholePixelRatio: whole / wholeTruth,
  };
}
