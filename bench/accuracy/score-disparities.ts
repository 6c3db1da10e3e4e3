// SPDX-License-Identifier: Apache-2.0
import { medianOf, quantileOf } from '../harness/statistics.js';

export interface Score {
  readonly scored: number;
  readonly validPercent: number;
  /** Share with |error| > 1 px among the valid ones. */
  readonly bad1Percent: number;
  readonly meanErrorPx: number;
  readonly medianErrorPx: number;
  readonly p90ErrorPx: number; readonly p99ErrorPx: number;
}

/** Scores disparities (NaN = none) against true ones (NaN = not scored) of the same pixels. */
export function scoreDisparities(disparity: ArrayLike<number>, truth: ArrayLike<number>): Score {
  const errors: number[] = [];
  let scored = 0;
  for (let i = 0; i < truth.length; i++) {
    const error = Math.abs((disparity[i] ?? NaN) - (truth[i] ?? NaN));
    if (!Number.isNaN(truth[i] ?? NaN)) scored++;
    if (!Number.isNaN(error)) errors.push(error);
  }
  return {
    scored,
    validPercent: (100 * errors.length) / scored,
    bad1Percent: (100 * errors.filter((error) => error > 1).length) / errors.length,
    meanErrorPx: errors.reduce((sum, error) => sum + error, 0) / errors.length,
    medianErrorPx: medianOf(errors), p90ErrorPx: quantileOf(errors, 0.9), p99ErrorPx: quantileOf(errors, 0.99),
  };
}
