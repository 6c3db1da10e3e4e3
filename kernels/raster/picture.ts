// SPDX-License-Identifier: Apache-2.0
import { renameSync, rmSync } from 'node:fs';
import { KernelArgumentError } from '../lib/errors.js';
import { temporaryBeside, writeAtomically } from './atomic.js';
import { callRaster } from './native.js';

export interface PictureOptions {
  /** Longest side of the picture in pixels; larger rasters are averaged down. Default 2048. */
  readonly maxSize?: number;
  /** Counts from 1; default 1. */
  readonly band?: number;
}

/** A picture to draw, of a raster's heights or of its grey values, and where to write it. */
export interface PictureJob extends PictureOptions {
  readonly of: 'heights' | 'image';
  readonly source: string;
  /** PNGs, or JPEGs where the name ends so. With `maxSize`, the picture before it in the list is averaged down by a whole number until no side is longer. */
  readonly files: readonly { readonly path: string; readonly maxSize?: number }[];
}

/**
 * Pictures the heights of a DSM: a hillshade lit from four sides on a colour ramp whose lightness rises with
 * height, from the 2nd to the 98th percentile. Gentle relief is exaggerated up to threefold; no-data is transparent; a
 * DSM narrower than 500 pixels is drawn at twice its size. Written as `writePicture` does. Throws RasterError.
 */
export function drawHillshade(dsmPath: string, picturePath: string, options: PictureOptions = {}): void {
  drawPictures([{ ...options, of: 'heights', source: dsmPath, files: [{ path: picturePath }] }], 1);
}

/** A quicklook of one band of an image: black at the 2nd, white at the 98th percentile, not valid = transparent. As `writePicture`. Throws RasterError. */
export function drawImage(path: string, picturePath: string, options: PictureOptions = {}): void {
  drawPictures([{ ...options, of: 'image', source: path, files: [{ path: picturePath }] }], 1);
}

/** Draws pictures as `drawHillshade` and `drawImage` do, on at most so many threads, and renames them all once they are written. Throws RasterError. */
export function drawPictures(jobs: readonly PictureJob[], threads: number): void {
  if (!(Number.isInteger(threads) && threads > 0)) throw new KernelArgumentError('a positive whole number', 'threads', threads);
  const renames: { readonly from: string; readonly to: string }[] = [];
  const native = jobs.map(({ of, source, files, ...options }) => ({
    source, isHillshade: of === 'heights', ...checked(options),
    files: files.map(({ path, maxSize = 0 }) => {
      if (!Number.isInteger(maxSize) || maxSize < 0) throw new KernelArgumentError('a whole number of at least 0', 'maxSize', maxSize);
      const from = temporaryBeside(path);
      renames.push({ from, to: path });
      return { path: from, isJpeg: isJpeg(path), maxSize };
    }),
  }));
  try {
    callRaster((raster) => { raster.drawPictures(native, threads); });
    for (const { from, to } of renames) renameSync(from, to);
  } finally {
    for (const { from } of renames) rmSync(from, { force: true });
  }
}

/**
 * Writes rows of red, green, blue, alpha bytes, under a temporary name, then renamed: as a JPEG where the name ends so, on light grey
 * instead of transparent and a tenth as large, else as a PNG. Throws RasterError.
 */
export function writePicture(path: string, width: number, height: number, rgba: Uint8Array): void {
  if (rgba.length !== width * height * 4) throw new KernelArgumentError(`${width} x ${height} x 4 bytes`, 'rgba', rgba.length);
  writeAtomically(path, (temporary) => callRaster((raster) => raster.writePicture(temporary, isJpeg(path), width, height, rgba)));
}

const isJpeg = (path: string): boolean => /\.jpe?g$/i.test(path);

function checked({ maxSize = 2048, band = 1 }: PictureOptions): { readonly maxSize: number; readonly band: number } {
  if (!Number.isInteger(maxSize) || maxSize < 16) throw new KernelArgumentError('a whole number of at least 16', 'maxSize', maxSize);
  if (!Number.isInteger(band)) throw new KernelArgumentError('a whole number', 'band', band);
  return { maxSize, band };
}
