// SPDX-License-Identifier: Apache-2.0
// Scores the matcher on a rectified pair with ground truth: Cones of Middlebury 2003 (data folder stereo_gt), as
// docs/decisions/0003-matching.md says. Usage: npm run bench -- stereo-gt
import { join } from 'node:path';
import { type DisparityMap, filterDisparity, matchPair, type RectImage } from '@altiplano/kernels';
import { readWindow } from '@altiplano/kernels/raster';
import { dataPath } from '@altiplano/kernels/testing';
import { medianOf } from '../harness/statistics.js';
import { MissingDataError, type Suite } from '../harness/suite.js';

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
  /** Of each repetition of matchPair. */
  readonly cpuSeconds: readonly number[];
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
    cpuSeconds: seconds,
    mdePerSecond: (left.width * left.height * count) / medianOf(seconds) / 1e6,
    met: filtered.validPercent >= 98 && filtered.bad1Percent <= 4 && filtered.meanErrorPx <= 0.45,
  };
}

export const suite: Suite = {
  summary: 'the matcher against a rectified pair with true disparities',
  help: `Matches Cones of Middlebury 2003 (data folder stereo_gt) with the product's defaults and scores non-occluded pixels at column 64 and
beyond, the columns other systems are measured on. bad1 is the share with an error above 1 px among the valid ones. A few seconds.`,
  run: ({ quick }) => {
    const said: string[] = [];
    const folder = dataPath((message) => said.push(message), 'stereo_gt');
    if (folder === null) throw new MissingDataError(said.join('\n'));
    const result = scoreCones(folder, quick ? 2 : 5);
    const row = (name: string, s: Score): string[] =>
      [name, s.validPercent.toFixed(2), s.bad1Percent.toFixed(2), s.meanErrorPx.toFixed(3), s.medianErrorPx.toFixed(3)];
    const exact = (name: string, unit: string, better: 'higher' | 'lower', value: number) =>
      ({ name, labels: { scene: 'cones' }, unit, better, samples: [value], exact: true });
    return {
      measurements: [
        exact('valid', '%', 'higher', result.filtered.validPercent), exact('bad1', '%', 'lower', result.filtered.bad1Percent),
        exact('mean error', 'px', 'lower', result.filtered.meanErrorPx), exact('median error', 'px', 'lower', result.filtered.medianErrorPx),
        { name: 'matchPair', labels: { scene: 'cones' }, unit: 's', better: 'lower', samples: [...result.cpuSeconds], derived: { 'MDE/s': result.mdePerSecond } },
      ],
      tables: [{
        title: 'Cones', columns: [{ name: 'result', align: 'left' }, { name: 'valid %' }, { name: 'bad1 %' }, { name: 'mean px' }, { name: 'median px' }],
        rows: [row('matched', result.matched), row('filtered', result.filtered)],
        note: `matchPair ${medianOf(result.cpuSeconds).toFixed(3)} CPU s, ${result.mdePerSecond.toFixed(0)} million disparity evaluations per second`,
      }],
      checks: [{
        what: 'valid >= 98 %, bad1 <= 4.0 %, mean <= 0.45 px after the filters', holds: result.met,
        found: `${result.filtered.validPercent.toFixed(2)} %, ${result.filtered.bad1Percent.toFixed(2)} %, ${result.filtered.meanErrorPx.toFixed(3)} px`,
      }],
    };
  },
};

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
