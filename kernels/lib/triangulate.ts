// SPDX-License-Identifier: Apache-2.0
import { KernelArgumentError } from './errors.js';
import { loadNative } from './native.js';
import { packPoly3 } from './polynomial.js';
import type { DisparityMap, PointMap, Poly3 } from './types.js';

const native = loadNative<{
  triangulate(map: DisparityMap, groundFromRect: Float64Array, points: PointMap): void;
}>();

/**
 * The ground point of every disparity, by the tile's polynomial (u, v, d) -> (E, N, h). East and north are
 * relative to the origin: choose it near the tile, float32 holds 0.1 mm up to 1 km from it. NaN gives NaN.
 */
export function triangulate(map: DisparityMap, groundFromRect: Poly3, originE: number, originN: number): PointMap {
  const { u0, v0, width, height, disparity } = map;
  if (disparity.length !== width * height)
    throw new KernelArgumentError(`${width} x ${height} disparities`, 'map', disparity.length);
  if (!Number.isFinite(originE) || !Number.isFinite(originN))
    throw new KernelArgumentError('finite metres', 'origin', `${originE}, ${originN}`);
  const array = (): Float32Array => new Float32Array(disparity.length);
  const points = { u0, v0, width, height, originE, originN, east: array(), north: array(), up: array() };
  native.triangulate(map, packPoly3(groundFromRect), points);
  return points;
}
