// SPDX-License-Identifier: Apache-2.0
import { callRaster } from './native.js';

export interface RasterBandInfo {
  /** As RasterType where that has it (uint8, uint16, int16, int32, float32, float64), else GDAL's name in small letters. */
  readonly type: string;
  readonly noData: number | null;
  readonly description: string;
}

export interface RasterInfo {
  readonly path: string;
  /** GDAL's short driver name: GTiff, JP2OpenJPEG, DIMAP, … */
  readonly driver: string;
  readonly width: number; readonly height: number;
  readonly bands: readonly RasterBandInfo[];
  /** 'EPSG:32636' or 'EPSG:32636+5773' where the file says so, else WKT; null = none. */
  readonly crs: string | null;
  /** GDAL's six numbers: x = g0 + g1 col + g2 row, y = g3 + g4 col + g5 row, from the CORNER of the first pixel; null = none. */
  readonly geotransform: readonly number[] | null;
  /** A mask band or alpha (not: a no-data value). */
  readonly hasMask: boolean;
  /** Finest first, as readWindow counts them. */
  readonly overviews: readonly { readonly width: number; readonly height: number }[];
  readonly blockSize: { readonly width: number; readonly height: number };
  readonly compression: string | null;
  readonly isTiled: boolean;
  /** The file and those beside it that GDAL takes into account. */
  readonly files: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** GDAL's RPC domain, whatever file it came from; readRpc says which and converts it. */
  readonly rpcMetadata: Readonly<Record<string, string>> | null;
}

/**
 * What a raster is. Throws RasterError. With `alone` the file is looked at as if nothing lay beside it
 * (no .aux.xml, .msk, .ovr, _RPC.TXT …).
 */
export function openInfo(path: string, { alone = false }: { readonly alone?: boolean } = {}): RasterInfo {
  return { path, ...callRaster((raster) => raster.openInfo(path, alone)) };
}

/** Closes the datasets this thread keeps open between reads. Never needed for correctness. */
export function closeAll(): void {
  callRaster((raster) => raster.closeAll());
}

/**
 * Sets GDAL's options for this process, as an object store tells them (`ObjectStore.gdalOptions`): without them `s3://bucket/key` and
 * `/vsis3/bucket/key` can't be opened. Cheap when nothing changed; each thread that reads calls it, for it may have handles with old credentials.
 */
export function configureGdal(options: Readonly<Record<string, string>>): void {
  callRaster((raster) => raster.configureGdal(options));
}
