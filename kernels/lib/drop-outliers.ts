// SPDX-License-Identifier: Apache-2.0
import { KernelArgumentError } from './errors.js';
import { loadNative } from './native.js';
import type { HeightPrior } from './search-range.js';
import type { PointMap } from './types.js';

export interface OutlierLimits {
  /** Heights of the whole tile, metres: the bounds where there is no prior. */
  readonly heightRange: readonly [number, number];
  readonly prior: HeightPrior | null;
  /** Metres a height may lie outside its bounds. */
  readonly slackM: number;
  /** And above them by so much more: towers too slim for the coarse level stand out of its bounds, pits rarely do. */
  readonly towerM: number;
  /** Metres of height that were searched at each pixel. */
  readonly searchedM: number;
}

export interface NativeLimits {
  readonly lowM: number;
  readonly highM: number;
  readonly slackM: number;
  readonly towerM: number;
  readonly searchedM: number;
}
const native = loadNative<{
  dropOutliers(points: PointMap, prior: HeightPrior | null, limits: NativeLimits): number;
}>();

/**
 * Drops, in place, the points that can only have matched by chance; returns how many.
 *
 * A point goes where its height lies outside the bounds of its own ground cell by more than the slack (disparities are
 * searched further than the bounds: their number is one for the tile, and whole vectors), and where the bounds are so wide
 * that not all of them were searched: nothing is known there, and what was left out is as likely to be true. Both happen
 * beyond the edges of what both images see.
 */
export function dropOutliers(points: PointMap, limits: OutlierLimits): number {
  return native.dropOutliers(points, limits.prior, nativeLimits(limits));
}

/** Throws KernelArgumentError. */
export function nativeLimits({ slackM, towerM, searchedM, heightRange: [lowM, highM] }: OutlierLimits): NativeLimits {
  for (const [name, value] of Object.entries({ slackM, towerM, searchedM })) {
    if (!(value >= 0)) throw new KernelArgumentError('0 m or more', name, value);
  }
  return { lowM, highM, slackM, towerM, searchedM };
}
