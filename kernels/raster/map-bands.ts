// SPDX-License-Identifier: Apache-2.0
import { callRaster } from './native.js';

/** Where an uncompressed raster of float32 bands keeps them, each in one run of rows. */
export interface BandLayout {
  readonly path: string;
  readonly width: number; readonly height: number;
  /** Bytes from the file's beginning to each band. */
  readonly offsets: readonly number[];
}

export interface MappedBands {
  /** Row-major, as they lie in the file (no-data values stay what they are); never to be written to. */
  readonly bands: readonly Float32Array[];
  /** Takes the arrays away; they are empty from then on. */
  close(): void;
}

/** How `mapBands` finds the bands of a raster; null where it can't (in a bucket, compressed, of another type). Throws RasterError. */
export function bandLayout(path: string): BandLayout | null {
  const layout = callRaster((raster) => raster.bandLayout(path));
  return layout === null ? null : { path, ...layout };
}

/**
 * The bands of a raster without a copy: the file is mapped, and the system reads the pages that are looked at, most of which it still has
 * where the file was just written. Close it, or the file stays mapped until the garbage collector comes by. Throws RasterError.
 */
export function mapBands({ path, width, height, offsets }: BandLayout): MappedBands {
  const mapped = callRaster((raster) => raster.mapFile(path));
  return {
    bands: offsets.map((offset) => new Float32Array(mapped.buffer, offset, width * height)),
    close() { callRaster((raster) => { raster.unmapFile(mapped); }); },
  };
}

/** Tells the system that a file won't be read for long, so that what it keeps in memory of it makes room for other files. Only a hint, also where the file is gone. */
export function dropCachedFile(path: string): void {
  callRaster((raster) => { raster.dropCachedFile(path); });
}
