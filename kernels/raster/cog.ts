// SPDX-License-Identifier: Apache-2.0
import { KernelArgumentError } from '../lib/errors.js';
import type { PixelRect } from '../lib/types.js';
import { writeAtomically } from './atomic.js';
import { openInfo, type RasterInfo } from './info.js';
import { callRaster } from './native.js';

export interface CogOptions {
  /** Default AVERAGE, which leaves out no-data; NEAREST for classes and flags. */
  readonly overviewResampling?: 'AVERAGE' | 'NEAREST' | 'BILINEAR' | 'CUBIC' | 'MODE';
  /** Default DEFLATE. */
  readonly compress?: 'DEFLATE' | 'LZW' | 'ZSTD' | 'NONE';
  /** Default 'auto': 3 for floating point, 2 for integers. */
  readonly predictor?: 'auto' | 'none';
  /** Only this part of the source. */
  readonly srcWindow?: PixelRect;
  /** Replaces the source's CRS. */
  readonly crs?: string;
}

/**
 * Copies a raster into a cloud-optimised GeoTIFF (blocks of 512 pixels, overviews down to one block), under a
 * temporary name, then renamed. The same source gives the same bytes. Throws RasterError.
 */
export function makeCog(source: string, target: string, options: CogOptions = {}): void {
  const { overviewResampling = 'AVERAGE', compress = 'DEFLATE', predictor = 'auto', srcWindow = null, crs = null } = options;
  writeAtomically(target, (temporary) => callRaster((raster) => raster.makeCog(source, temporary, {
    overviewResampling, compress, predictor: predictor === 'auto' ? 'YES' : 'NO', srcWindow, crs,
  })));
}

export interface IngestOptions {
  /** Counts from 1; default 1. */
  readonly band?: number;
  /** A raster of the image's size: 0 = not valid. */
  readonly maskPath?: string | null;
}

/**
 * Makes an image tile-readable: one band as a tiled GeoTIFF of its own pixel type (as readWindow delivers it). What is valid
 * stays the same: no-data value, NaN, masks and alpha become NaN in float images and an internal mask band in integer ones.
 * Overviews of factor 2, 4, 8 … are averages of valid pixels only, as long as the smaller side has 32 pixels. Not compressed:
 * every pixel is read several times, and what a codec would cost is more than all the rest. The file holds pixels only: RPC
 * and georeference belong to the plan. Memory does not grow with the image. Throws RasterError.
 */
export function ingestImage(source: string, target: string, options: IngestOptions = {}): RasterInfo {
  const { band = 1, maskPath = null } = options;
  if (!Number.isInteger(band)) throw new KernelArgumentError('a whole number', 'band', band);
  writeAtomically(target, (temporary) => {
    callRaster((raster) => { raster.ingestImage({ path: source, band, rect: null, overview: -1, maskPath }, temporary); });
  });
  return openInfo(target);
}
