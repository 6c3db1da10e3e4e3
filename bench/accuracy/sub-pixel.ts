// SPDX-License-Identifier: Apache-2.0
// Sub-pixel accuracy of the matcher on synthetic pairs with exact truth: errors and whether whole pixels attract.
// Usage: npm run bench -- sub-pixel [--json]
import { filterDisparity, matchPair } from '@altiplano/kernels';
import { medianOf, quantileOf } from './statistics.js';
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

/** Runs the suite; exit code 1 where a well-textured scene's median exceeds 0.06 px. */
export function run(args: readonly string[]): number {
  const scores = Object.entries(scenes).map(([name, scene]) => scoreScene(name, scene));
  if (args.includes('--json')) {
    process.stdout.write(`${JSON.stringify(scores)}\n`);
  } else {
    process.stdout.write('scene          valid %  median     p90     p99    bias  locking  whole-pixel ratio\n');
    for (const s of scores) {
      const pixels = [s.medianPx, s.p90Px, s.p99Px, s.biasPx, s.lockingPx].map((x) => x.toFixed(4).padStart(7)).join(' ');
      process.stdout.write(`${s.scene.padEnd(15)}${s.validPercent.toFixed(2).padStart(7)} ${pixels} ${s.wholePixelRatio.toFixed(3).padStart(10)}\n`);
    }
  }
  return scores.every((s) => s.scene === 'low contrast' || s.medianPx <= 0.06) ? 0 : 1;
}

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
