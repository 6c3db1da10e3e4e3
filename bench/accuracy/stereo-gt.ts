// SPDX-License-Identifier: Apache-2.0
// Scores the matcher on a rectified pair with ground truth: Cones of Middlebury 2003 (data folder stereo_gt), as
// docs/decisions/0003-matching.md says. Usage: npm run bench -- stereo-gt [--json]
import { join } from 'node:path';
import { type DisparityMap, filterDisparity, matchPair, type RectImage } from '@altiplano/kernels';
import { readWindow } from '@altiplano/kernels/raster';
import { dataPath } from '@altiplano/kernels/testing';
import { medianOf } from './statistics.js';

/** Candidates searched and scored columns are those other systems were measured with. */
const count = 64;
const firstColumn = 64;

export interface Score {
  readonly scored: number;
  readonly validPercent: number;
  /** Share with |error| > 1 px among the valid ones. */
  readonly bad1Percent: number;
  readonly meanErrorPx: number;
  readonly medianErrorPx: number;
}

export interface ConesResult {
  readonly matched: Score;
  readonly filtered: Score;
  readonly cpuSeconds: number;
  readonly mdePerSecond: number;
  /** At most 4.0 % bad1 and 0.45 px mean error at 98 % valid or more, after the filters. */
  readonly met: boolean;
}

/** Matches the pair with the product's defaults, `repeats` times for the time's sake, and scores the result. */
export function scoreCones(folder: string, repeats: number): ConesResult {
  const left = readGrey(join(folder, 'Cones_LEFT.tif')), right = readGrey(join(folder, 'Cones_RIGHT.tif'));
  const { data: truth } = readWindow(join(folder, 'Cones_LEFT_GT.tif'), { band: 1 });
  const { data: notOccluded } = readWindow(join(folder, 'Occlusion_LEFT.png'), { band: 1 });
  const low = new Int16Array(left.width * left.height).fill(1 - count);
  const seconds: number[] = [];
  let map = matchPair(left, right, { low, count });
  for (let repeat = 0; repeat < repeats; repeat++) {
    const start = process.cpuUsage();
    map = matchPair(left, right, { low, count });
    const { user, system } = process.cpuUsage(start);
    seconds.push((user + system) / 1e6);
  }
  const matched = score(map, truth, notOccluded), filtered = score(filterDisparity(map), truth, notOccluded);
  return {
    matched, filtered,
    cpuSeconds: medianOf(seconds),
    mdePerSecond: (left.width * left.height * count) / medianOf(seconds) / 1e6,
    met: filtered.validPercent >= 98 && filtered.bad1Percent <= 4 && filtered.meanErrorPx <= 0.45,
  };
}

/** Runs the suite; exit code 1 where the data is missing or the scores miss what the project promises. */
export function run(args: readonly string[]): number {
  const folder = dataPath((message) => process.stderr.write(`${message}\n`), 'stereo_gt');
  if (folder === null) return 1;
  const result = scoreCones(folder, 5);
  process.stdout.write(args.includes('--json') ? `${JSON.stringify(result)}\n` : table(result));
  return result.met ? 0 : 1;
}

/** The file's no-data tag is wrong (README of the data): every pixel counts. */
function readGrey(path: string): RectImage {
  const { data, width, height } = readWindow(path, { band: 1 });
  return { u0: 0, v0: 0, width, height, data: Float32Array.from(data), valid: new Uint8Array(data.length).fill(1) };
}

/** The truth holds x_left - x_right, positive; 0 where unknown. Ours is x_right - x_left. */
function score(map: DisparityMap, truth: ArrayLike<number>, notOccluded: ArrayLike<number>): Score {
  const errors: number[] = [];
  let scored = 0;
  for (let i = 0; i < map.disparity.length; i++) {
    if (i % map.width < firstColumn || !((truth[i] ?? 0) > 0) || (notOccluded[i] ?? 0) === 0) continue;
    scored++;
    const error = Math.abs((map.disparity[i] ?? NaN) + (truth[i] ?? NaN));
    if (!Number.isNaN(error)) errors.push(error);
  }
  return {
    scored,
    validPercent: (100 * errors.length) / scored,
    bad1Percent: (100 * errors.filter((error) => error > 1).length) / errors.length,
    meanErrorPx: errors.reduce((sum, error) => sum + error, 0) / errors.length,
    medianErrorPx: medianOf(errors),
  };
}

function table(result: ConesResult): string {
  const line = (name: string, s: Score) =>
    `${name.padEnd(10)} ${s.validPercent.toFixed(2).padStart(7)} ${s.bad1Percent.toFixed(2).padStart(7)} ` +
    `${s.meanErrorPx.toFixed(3).padStart(8)} ${s.medianErrorPx.toFixed(3).padStart(9)}\n`;
  return 'Cones      valid %  bad1 %  mean px  median px\n' + line('matched', result.matched) + line('filtered', result.filtered) +
    `matchPair ${result.cpuSeconds.toFixed(3)} CPU s, ${result.mdePerSecond.toFixed(0)} million disparity evaluations per second\n` +
    `${result.met ? 'meets' : 'MISSES'} valid >= 98 %, bad1 <= 4.0 %, mean <= 0.45 px\n`;
}
