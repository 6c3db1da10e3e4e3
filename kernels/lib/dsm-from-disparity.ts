// SPDX-License-Identifier: Apache-2.0
import { type NativeLimits, type OutlierLimits, nativeLimits } from './drop-outliers.js';
import { KernelArgumentError } from './errors.js';
import { loadNative } from './native.js';
import { packPoly3 } from './polynomial.js';
import { type RasterizeOptions, checkedRasterizeOptions, newDsm } from './rasterize.js';
import type { HeightPrior } from './search-range.js';
import type { DisparityMap, GridSpec, PartialDsm, Poly3 } from './types.js';

export interface DsmFromDisparityInput {
  readonly map: DisparityMap;
  /** The tile's polynomial (u, v, d) -> (E, N, h). */
  readonly groundFromRect: Poly3;
  readonly grid: GridSpec;
  readonly limits: OutlierLimits;
  readonly options: RasterizeOptions;
}

const native = loadNative<{
  dsmFromDisparity(
    map: DisparityMap, groundFromRect: Float64Array, prior: HeightPrior | null, limits: NativeLimits, options: Required<RasterizeOptions>, dsm: PartialDsm,
  ): number;
}>();

/**
 * The heights of a grid's cells from disparities weighted by their confidence, and how many points were dropped as outliers:
 * what triangulate (from the grid's corner), dropOutliers and rasterizeDsm give one after the other, to the bit, in four fifths of
 * their time and without an array of points.
 */
export function dsmFromDisparity({ map, groundFromRect, grid, limits, options }: DsmFromDisparityInput): { readonly dsm: PartialDsm; readonly outliers: number } {
  const n = map.width * map.height;
  if (map.disparity.length !== n || map.confidence.length !== n)
    throw new KernelArgumentError(`${map.width} x ${map.height} disparities`, 'map', `${map.disparity.length}, ${map.confidence.length} confidences`);
  if (!Number.isFinite(grid.originE) || !Number.isFinite(grid.originN))
    throw new KernelArgumentError('finite metres', 'grid.origin', `${grid.originE}, ${grid.originN}`);
  const checked = checkedRasterizeOptions(grid, options);
  const dsm = newDsm(grid);
  const outliers = native.dsmFromDisparity(map, packPoly3(groundFromRect), limits.prior, nativeLimits(limits), checked, dsm);
  return { dsm, outliers };
}
