// SPDX-License-Identifier: Apache-2.0
import { loadNative } from '../lib/native.js';
import type { ImageWindow, PixelRect } from '../lib/types.js';
import { RasterError } from './errors.js';
import type { RasterInfo } from './info.js';

/** What the addon takes for a window: absent is null, and overview -1 is full resolution. */
export interface NativeWindowRequest {
  readonly path: string;
  readonly band: number;
  readonly rect: PixelRect | null;
  readonly overview: number;
  readonly maskPath: string | null;
}

/** What the addon takes for a new GeoTIFF; `type` is GDAL's name of the pixel type. */
export interface NativeGeoTiff {
  readonly width: number; readonly height: number;
  readonly type: string;
  readonly bands: readonly { readonly description: string; readonly data?: ArrayBufferView }[];
  readonly noData: number | null;
  readonly crs: string | null;
  readonly geotransform: readonly number[] | null;
  readonly rpc: Readonly<Record<string, string>> | null;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly mask: Uint8Array | null;
  readonly blockSize: number;
  readonly stripRows: number;
  readonly compress: string;
}

declare const mappedHandle: unique symbol;
export interface MappedBuffer { readonly buffer: ArrayBuffer; readonly handle: { readonly [mappedHandle]: true } }

declare const tiledHandle: unique symbol;
export interface TiledHandle { readonly [tiledHandle]: true }

/** What the addon takes to publish a merged DSM; rings are x and y by turns, and no ring is everywhere. */
export interface NativeProducts {
  readonly merged: string;
  readonly cells: string;
  readonly owned: Int32Array;
  readonly rect: PixelRect;
  readonly originE: number; readonly originN: number; readonly resolution: number;
  readonly geoid: string | null;
  readonly crs: string;
  readonly roi: readonly Float64Array[];
  readonly seen: readonly Float64Array[];
  readonly binsFrom: number; readonly binsTo: number; readonly bins: number;
  readonly scratch: string;
  readonly threads: number;
  /** In the order dsm, confidence, count, spread, validity. */
  readonly files: readonly { readonly path: string; readonly spec: NativeGeoTiff }[];
}

/** What the published cells hold. */
export interface ProductTally {
  /** Cells by reason, counted from 0. */
  readonly reasons: readonly number[];
  readonly sumHeight: number; readonly sumConfidence: number; readonly sumSpread: number;
  /** Metres; meaningless where there is no height. */
  readonly minHeight: number; readonly maxHeight: number; readonly maxSpread: number;
  readonly maxCount: number; readonly points: number;
  /** Cells by height. */
  readonly bins: Float64Array;
}

interface NativePictureJob {
  readonly source: string; readonly isHillshade: boolean; readonly band: number; readonly maxSize: number;
  /** maxSize 0 = as it is. */
  readonly files: readonly { readonly path: string; readonly isJpeg: boolean; readonly maxSize: number }[];
}

interface NativeRaster {
  openInfo(path: string, alone: boolean): Omit<RasterInfo, 'path'>;
  readWindow(request: NativeWindowRequest): ImageWindow;
  readBands(path: string, rect: PixelRect | null, bands: readonly number[], into: readonly Float32Array[]): Float32Array[];
  bandLayout(path: string): { readonly width: number; readonly height: number; readonly offsets: readonly number[] } | null;
  mapFile(path: string): MappedBuffer;
  unmapFile(mapped: MappedBuffer): void;
  dropCachedFile(path: string): void;
  transformPoints(fromCrs: string, toCrs: string, xy: Float64Array): Float64Array;
  crsInfo(crs: string): {
    isProjected: boolean; isGeographic: boolean; isCompound: boolean;
    unitM: number | null; name: string; epsg: number | null; wkt: string;
  };
  sampleRaster(path: string, band: number, crsOfPoints: string, xy: Float64Array): Float64Array;
  closeAll(): void;
  configureGdal(options: Readonly<Record<string, string>>): void;
  writeGeoTiff(path: string, spec: NativeGeoTiff): void;
  createTiled(path: string, spec: NativeGeoTiff): TiledHandle;
  writeTiledBlock(handle: TiledHandle, band: number, rect: PixelRect, data: ArrayBufferView): void;
  closeTiled(handle: TiledHandle): void;
  makeCog(source: string, target: string, options: {
    readonly overviewResampling: string; readonly compress: string; readonly predictor: string;
    readonly srcWindow: PixelRect | null; readonly crs: string | null;
  }): void;
  ingestImage(request: NativeWindowRequest, target: string): void;
  writeProductCogs(spec: NativeProducts): ProductTally;
  drawPictures(jobs: readonly NativePictureJob[], threads: number): void;
  writePicture(path: string, isJpeg: boolean, width: number, height: number, rgba: Uint8Array): void;
}

const native = loadNative<NativeRaster>();

/** Calls the addon; what GDAL reports comes out as a RasterError that names the file. */
export function callRaster<T>(call: (raster: NativeRaster) => T): T {
  try {
    return call(native);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'gdal' && 'path' in error && typeof error.path === 'string') {
      throw new RasterError(error.path, error.message, error);
    }
    throw error;
  }
}
