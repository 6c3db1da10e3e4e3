// SPDX-License-Identifier: Apache-2.0
import type { HeightPrior, PointMap } from '@altiplano/kernels';

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

/**
 * Drops, in place, the points that can only have matched by chance; returns how many.
 *
 * A point goes where its height lies outside the bounds of its own ground cell by more than the slack (disparities are
 * searched further than the bounds: their number is one for the tile, and whole vectors), and where the bounds are so wide
 * that not all of them were searched: nothing is known there, and what was left out is as likely to be true. Both happen
 * beyond the edges of what both images see.
 */
export function dropOutliers(points: PointMap, { heightRange, prior, slackM, towerM, searchedM }: OutlierLimits): number {
  const { east, north, up } = points;
  let dropped = 0;
  for (let i = 0; i < up.length; i++) {
    const height = up[i] ?? NaN;
    if (Number.isNaN(height)) continue;
    let [low, high] = heightRange;
    if (prior !== null) {
      const col = Math.floor((points.originE + (east[i] ?? NaN) - prior.grid.originE) / prior.grid.resolution);
      const row = Math.floor((prior.grid.originN - points.originN - (north[i] ?? NaN)) / prior.grid.resolution);
      // Outside the prior's grid: the tile's range, which never counts as searched in part.
      const inside = col >= 0 && row >= 0 && col < prior.grid.width && row < prior.grid.height;
      const cell = row * prior.grid.width + col;
      if (inside) [low, high] = [prior.low[cell] ?? low, prior.high[cell] ?? high];
      if (inside && high - low > searchedM) high = -Infinity;
    }
    if (height >= low - slackM && height <= high + slackM + towerM) continue;
    east[i] = NaN;
    north[i] = NaN;
    up[i] = NaN;
    dropped += 1;
  }
  return dropped;
}
