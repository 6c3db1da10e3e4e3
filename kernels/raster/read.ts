// SPDX-License-Identifier: Apache-2.0
import { KernelArgumentError } from '../lib/errors.js';
import type { ImageWindow, PixelRect } from '../lib/types.js';
import { callRaster } from './native.js';

export interface WindowOptions {
  /** Counts from 1. */
  readonly band: number;
  /** Pixels of the overview if one is asked for; absent: all of it. */
  readonly rect?: PixelRect;
  /** 0 = the finest overview; absent: full resolution. */
  readonly overview?: number;
  /** A raster of the image's full size: 0 = not valid. */
  readonly maskPath?: string;
}

/**
 * Reads a window of one band. Pixels keep their type if it is uint8, uint16, int16 or float32; all others
 * become float32. `mask` is null where every pixel is valid, else 1 = valid by all of: the no-data value, NaN,
 * internal or external mask band, alpha, `maskPath`. Throws RasterError, also for a rect that leaves the image.
 */
export function readWindow(path: string, options: WindowOptions): ImageWindow {
  const { band, rect = null, overview = -1, maskPath = null } = options;
  if (!isInt32(band)) throw new KernelArgumentError('a whole number of 32 bits', 'band', band);
  if (!isInt32(overview)) throw new KernelArgumentError('a whole number of 32 bits', 'overview', overview);
  checkRect(rect);
  return callRaster((raster) => raster.readWindow({ path, band, rect, overview, maskPath }));
}

/**
 * All bands of a window (absent: of the whole raster) as float32, NaN where a pixel isn't valid. Arrays of `into` that have the
 * window's size are filled and returned: large arrays made anew for every window keep the garbage collector busy. Throws RasterError.
 */
export function readBands(path: string, rect: PixelRect | null = null, into: readonly Float32Array[] = []): Float32Array[] {
  checkRect(rect);
  return callRaster((raster) => raster.readBands(path, rect, [], into));
}

/** One band (counts from 1) as `readBands` delivers it. Throws RasterError. */
export function readBand(path: string, band: number, rect: PixelRect | null = null): Float32Array {
  if (!isInt32(band)) throw new KernelArgumentError('a whole number of 32 bits', 'band', band);
  checkRect(rect);
  const [data] = callRaster((raster) => raster.readBands(path, rect, [band], []));
  if (data === undefined) throw new KernelArgumentError('a band', 'band', band);
  return data;
}

function checkRect(rect: PixelRect | null): void {
  if (rect === null) return;
  for (const value of [rect.col0, rect.row0, rect.width, rect.height]) {
    if (!isInt32(value)) throw new KernelArgumentError('whole numbers of 32 bits', 'rect', JSON.stringify(rect));
  }
}

const isInt32 = (value: number): boolean => value === Math.trunc(value) && Math.abs(value) < 2 ** 31;
