// SPDX-License-Identifier: Apache-2.0
import { KernelArgumentError } from './errors.js';
import { loadNative } from './native.js';
import { newBuffer } from './new-buffer.js';
import type { GridSpec, PartialDsm, PointMap } from './types.js';

export interface RasterizeOptions {
  /** Of the Gaussian weight of a point's distance from the cell's centre, cells. */
  readonly sigma: number;
  /** A point counts in its own cell and so many around. */
  readonly radius: number;
  /**
   * Heights further apart than this belong to two surfaces, metres. Default: 0.5 + 2 cells, which keeps slopes of
   * 60 degrees in one piece; raise it where one pixel of disparity is many metres.
   */
  readonly stepM?: number;
}

const native = loadNative<{
  rasterizeDsm(points: PointMap, weights: Float32Array, options: Required<RasterizeOptions>, dsm: PartialDsm): void;
  cellsWithPoints(dsm: PartialDsm): number;
}>();

/**
 * Heights of a grid's cells from points around them: one surface per cell (a roof's edge stays sharp), the
 * weighted plane of its points at the cell's centre (no bias on slopes). `weights`: one per point, its confidence;
 * 0 or NaN leaves the point out. No cell further than `radius` cells from every point gets a value.
 */
export function rasterizeDsm(
  points: PointMap,
  weights: Float32Array,
  grid: GridSpec,
  options: RasterizeOptions,
): PartialDsm {
  const n = points.width * points.height;
  if (weights.length !== n) throw new KernelArgumentError(`${n} numbers, one per point`, 'weights', weights.length);
  const checked = checkedRasterizeOptions(grid, options);
  const dsm = newDsm(grid);
  native.rasterizeDsm(points, weights, checked, dsm);
  return dsm;
}

/** Cells of a DSM that have a height. */
export function cellsWithPoints(dsm: PartialDsm): number {
  return native.cellsWithPoints(dsm);
}

/** Throws KernelArgumentError. */
export function checkedRasterizeOptions(grid: GridSpec, { sigma, radius, stepM = 0.5 + 2 * grid.resolution }: RasterizeOptions): Required<RasterizeOptions> {
  if (!(sigma > 0)) throw new KernelArgumentError('a positive number of cells', 'sigma', sigma);
  if (!(Number.isInteger(radius) && radius >= 0 && radius <= 16))
    throw new KernelArgumentError('0 to 16 cells', 'radius', radius);
  if (!(stepM > 0)) throw new KernelArgumentError('a positive number of metres', 'stepM', stepM);
  if (!(grid.resolution > 0))
    throw new KernelArgumentError('a positive number of metres', 'grid.resolution', grid.resolution);
  if (!(Number.isInteger(grid.width) && Number.isInteger(grid.height) && grid.width > 0 && grid.height > 0)) {
    throw new KernelArgumentError('whole positive numbers of cells', 'grid', `${grid.width} x ${grid.height}`);
  }
  return { sigma, radius, stepM };
}

/** Arrays for what a kernel makes of every cell, of undefined contents. */
export function newDsm(grid: GridSpec): PartialDsm {
  const cells = grid.width * grid.height;
  const array = (): Float32Array => new Float32Array(newBuffer(4 * cells));
  return { grid, height: array(), weight: array(), spread: array(), count: new Uint16Array(newBuffer(2 * cells)) };
}
