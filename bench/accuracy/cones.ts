// SPDX-License-Identifier: Apache-2.0
// Scores the matcher on a rectified pair with ground truth: Cones of Middlebury 2003 (data folder stereo_gt), as
// docs/decisions/0003-matching.md says.
import { join } from 'node:path';
import { filterDisparity, matchPair, type RectImage, type SearchRange } from '@altiplano/kernels';
import { readWindow } from '@altiplano/kernels/raster';
import type { MeasurementInput } from '../harness/report.js';
import { medianOf } from '../harness/statistics.js';
import { type AccuracyCase, dataFolder } from './accuracy-case.js';
import { type Score, scoreDisparities } from './score-disparities.js';

/** Candidates searched and scored columns are those other systems were measured with. */
const count = 64;
const firstColumn = 64;

export interface ConesResult {
  readonly matched: Score;
  readonly filtered: Score;
  /** Of each repetition of matchPair. */
  readonly cpuSeconds: readonly number[];
  readonly mdePerSecond: number;
  /** At most 4.0 % bad1 and 0.45 px mean error at 98 % valid or more, after the filters. */
  readonly met: boolean;
}

export interface Cones {
  readonly left: RectImage;
  readonly right: RectImage;
  readonly range: SearchRange;
  /** x_right - x_left of the pixels that are scored, else NaN. */
  readonly truth: Float64Array;
}

/** Reads the pair: the files' truth is x_left - x_right, 0 where unknown. */
export function readCones(folder: string): Cones {
  const left = readGrey(join(folder, 'Cones_LEFT.tif')), right = readGrey(join(folder, 'Cones_RIGHT.tif'));
  const { data: positive, mask: notOccluded } = readWindow(join(folder, 'Cones_LEFT_GT.tif'), { band: 1, maskPath: join(folder, 'Occlusion_LEFT.png') });
  const isScored = (i: number): boolean => i % left.width >= firstColumn && (positive[i] ?? 0) > 0 && notOccluded?.[i] !== 0;
  return {
    left, right, range: { low: new Int16Array(left.width * left.height).fill(1 - count), count, rowCounts: null },
    truth: Float64Array.from(positive, (disparity, i) => (isScored(i) ? -disparity : NaN)),
  };
}

/** Matches the pair with the product's defaults, `repeats` times for the time's sake, and scores the result. */
export function scoreCones(folder: string, repeats: number): ConesResult {
  const { left, right, range, truth } = readCones(folder);
  const seconds: number[] = [];
  let map = matchPair(left, right, range);
  for (let repeat = 0; repeat < repeats; repeat++) {
    const start = process.cpuUsage();
    map = matchPair(left, right, range);
    const { user, system } = process.cpuUsage(start);
    seconds.push((user + system) / 1e6);
  }
  const matched = scoreDisparities(map.disparity, truth), filtered = scoreDisparities(filterDisparity(map).disparity, truth);
  return {
    matched, filtered,
    cpuSeconds: seconds,
    mdePerSecond: (left.width * left.height * count) / medianOf(seconds) / 1e6,
    met: filtered.validPercent >= 98 && filtered.bad1Percent <= 4 && filtered.meanErrorPx <= 0.45,
  };
}

export const conesCases: readonly AccuracyCase[] = [{
  name: 'cones', isQuick: true,
  measure: () => {
    const { filtered, cpuSeconds, mdePerSecond, met } = scoreCones(dataFolder('stereo_gt'), 3);
    const exact = (name: string, unit: string, better: 'higher' | 'lower', value: number): MeasurementInput =>
      ({ name, labels: { scene: 'cones' }, unit, better, samples: [value], exact: true });
    return {
      disparity: {
        name: 'cones', validPercent: filtered.validPercent, bad1Percent: filtered.bad1Percent,
        meanPx: filtered.meanErrorPx, medianPx: filtered.medianErrorPx, p90Px: filtered.p90ErrorPx, p99Px: filtered.p99ErrorPx,
      },
      measurements: [
        exact('valid', '%', 'higher', filtered.validPercent), exact('bad1', '%', 'lower', filtered.bad1Percent),
        exact('mean error', 'px', 'lower', filtered.meanErrorPx), exact('median error', 'px', 'lower', filtered.medianErrorPx),
        { name: 'matchPair', labels: { scene: 'cones' }, unit: 's', better: 'lower', samples: [...cpuSeconds], derived: { 'MDE/s': mdePerSecond } },
      ],
      checks: [{
        what: 'cones: valid >= 98 %, bad1 <= 4.0 %, mean <= 0.45 px after the filters', holds: met,
        found: `${filtered.validPercent.toFixed(2)} %, ${filtered.bad1Percent.toFixed(2)} %, ${filtered.meanErrorPx.toFixed(3)} px`,
      }],
    };
  },
}];

/** The file's no-data tag is wrong (README of the data): every pixel counts. */
function readGrey(path: string): RectImage {
  const { data, width, height } = readWindow(path, { band: 1 });
  return { u0: 0, v0: 0, width, height, data: Float32Array.from(data), valid: new Uint8Array(data.length).fill(1) };
}
