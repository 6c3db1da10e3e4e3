// SPDX-License-Identifier: Apache-2.0
import { KernelArgumentError } from '../lib/errors.js';
import { writeAtomically } from './atomic.js';
import { callRaster } from './native.js';

export interface PictureOptions {
  /** Longest side of the picture in pixels; larger rasters are averaged down. Default 2048. */
  readonly maxSize?: number;
  /** Counts from 1; default 1. */
  readonly band?: number;
}

/**
 * Pictures the heights of a DSM: a hillshade lit from four sides on a colour ramp whose lightness rises with
 * height, from the 2nd to the 98th percentile. Gentle relief is exaggerated up to threefold; no-data is transparent; a
 * DSM narrower than 500 pixels is drawn at twice its size. Written as `writePicture` does. Throws RasterError.
 */
export function drawHillshade(dsmPath: string, picturePath: string, options: PictureOptions = {}): void {
  const { band, maxSize } = checked(options);
  const { width, height, rgba } = callRaster((raster) => raster.hillshade(dsmPath, band, maxSize));
  writePicture(picturePath, width, height, rgba);
}

/** A quicklook of one band of an image: black at the 2nd, white at the 98th percentile, not valid = transparent. As `writePicture`. Throws RasterError. */
export function drawImage(path: string, picturePath: string, options: PictureOptions = {}): void {
  const { band, maxSize } = checked(options);
  const { width, height, rgba } = callRaster((raster) => raster.quicklook(path, band, maxSize));
  writePicture(picturePath, width, height, rgba);
}

/**
 * Writes rows of red, green, blue, alpha bytes, under a temporary name, then renamed: as a JPEG where the name ends so, on light grey
 * instead of transparent and a tenth as large, else as a PNG. Throws RasterError.
 */
export function writePicture(path: string, width: number, height: number, rgba: Uint8Array): void {
  if (rgba.length !== width * height * 4) throw new KernelArgumentError(`${width} x ${height} x 4 bytes`, 'rgba', rgba.length);
  writeAtomically(path, (temporary) => callRaster((raster) => raster.writePicture(temporary, /\.jpe?g$/i.test(path), width, height, rgba)));
}

function checked({ maxSize = 2048, band = 1 }: PictureOptions): { readonly maxSize: number; readonly band: number } {
  if (!Number.isInteger(maxSize) || maxSize < 16) throw new KernelArgumentError('a whole number of at least 16', 'maxSize', maxSize);
  if (!Number.isInteger(band)) throw new KernelArgumentError('a whole number', 'band', band);
  return { maxSize, band };
}
