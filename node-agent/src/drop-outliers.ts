// SPDX-License-Identifier: Apache-2.0
import type { PointMap } from '@altiplano/kernels';

/**
 * Drops, in place, the points whose height is more than slackM metres outside [low, high]; returns how many.
 *
 * Disparities are searched further than the height range (their number is a whole count of vectors), and where the
 * secondary image ends within them, what is left can only match wrongly: those points lie outside the range.
 */
export function dropOutliers({ east, north, up }: PointMap, [low, high]: readonly [number, number], slackM: number): number {
  let dropped = 0;
  for (let i = 0; i < up.length; i++) {
    const height = up[i] ?? NaN;
    if (!(height < low - slackM || height > high + slackM)) continue;
    east[i] = NaN;
    north[i] = NaN;
    up[i] = NaN;
    dropped += 1;
  }
  return dropped;
}
