// SPDX-License-Identifier: Apache-2.0
import { KernelArgumentError } from '../lib/errors.js';
import { callRaster } from './native.js';

export interface CrsInfo {
  readonly isProjected: boolean;
  readonly isGeographic: boolean;
  /** With a vertical part. */
  readonly isCompound: boolean;
  /** Metres per unit of a projected CRS; null for others. */
  readonly unitM: number | null;
  readonly name: string;
  /** Code of the horizontal part; null if it has none. */
  readonly epsg: number | null;
  readonly wkt: string;
}

/** What a CRS is. Takes 'EPSG:32636', 'EPSG:32636+5773', WKT, PROJJSON; nothing is fetched. Throws RasterError. */
export function crsInfo(crs: string): CrsInfo {
  return callRaster((raster) => raster.crsInfo(crs));
}

/**
 * Projects N points. x is always east or longitude, y north or latitude, whatever axis order the authority
 * states; only horizontal: vertical parts of the CRSs are left out. NaN where a point has no image. Throws RasterError.
 */
export function transformPoints(fromCrs: string, toCrs: string, xy: Float64Array): Float64Array {
  checkPoints(xy);
  return callRaster((raster) => raster.transformPoints(fromCrs, toCrs, xy));
}

/**
 * Values of a raster (a DEM, a geoid) at N points given in any CRS: bilinear between cell centres, NaN
 * outside the outermost centres and beside no-data. Grids around the whole Earth join at their edge, with
 * longitudes from -180 or from 0. Throws RasterError.
 */
export function sampleRaster(path: string, band: number, crsOfPoints: string, xy: Float64Array): Float64Array {
  checkPoints(xy);
  return callRaster((raster) => raster.sampleRaster(path, band, crsOfPoints, xy));
}

function checkPoints(xy: Float64Array): void {
  if (!(xy instanceof Float64Array) || xy.length % 2 !== 0) {
    throw new KernelArgumentError('a Float64Array of x, y pairs', 'xy', xy.length);
  }
}
