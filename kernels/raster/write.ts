// SPDX-License-Identifier: Apache-2.0
import { renameSync, rmSync } from 'node:fs';
import { KernelArgumentError } from '../lib/errors.js';
import type { RpcModel } from '../lib/types.js';
import { temporaryBeside, writeAtomically } from './atomic.js';
import { RasterError } from './errors.js';
import { callRaster, type NativeGeoTiff } from './native.js';
import { rpcMetadataOf } from './rpc-readers/gdal-metadata.js';

export type RasterArray = Uint8Array | Uint16Array | Int16Array | Int32Array | Float32Array | Float64Array;
export type RasterType = 'uint8' | 'uint16' | 'int16' | 'int32' | 'float32' | 'float64';

const gdalNames: Readonly<Record<RasterType, string>> = {
  uint8: 'Byte', uint16: 'UInt16', int16: 'Int16', int32: 'Int32', float32: 'Float32', float64: 'Float64',
};

export interface GeoTiffOptions {
  readonly width: number; readonly height: number;
  /** Row-major. A file has one pixel type and one no-data value: bands of several types are written as float32. */
  readonly bands: readonly { readonly data: RasterArray; readonly description?: string; readonly noData?: number }[];
  /** E.g. 'EPSG:32636' or, with a vertical part, 'EPSG:32636+5773'. */
  readonly crs?: string;
  /** GDAL's six numbers; x0, y0 are the corner of the first pixel. */
  readonly geotransform?: readonly number[];
  /** Written as the GeoTIFF RPC tag, whose (0, 0) is the first pixel's centre as ours. */
  readonly rpc?: RpcModel;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Internal mask band, 0 = not valid. */
  readonly mask?: Uint8Array;
  /** Tiles of 256 pixels; default: from 512 pixels on. */
  readonly tiled?: boolean;
  /** Rows of a strip where not tiled; default: about 8 KB. */
  readonly stripRows?: number;
  /** Default DEFLATE, with the predictor that suits the type. */
  readonly compress?: 'DEFLATE' | 'LZW' | 'ZSTD' | 'NONE';
}

/** Writes a GeoTIFF under a temporary name and renames it. The same input gives the same bytes. Throws RasterError. */
export function writeGeoTiff(path: string, options: GeoTiffOptions): void {
  const { width, height, bands } = options;
  checkSize(width, height);
  if (bands.length === 0) throw new KernelArgumentError('at least one band', 'bands', 0);
  for (const { data } of bands) {
    if (data.length !== width * height) throw new KernelArgumentError(`${width} x ${height} pixels`, 'bands', data.length);
  }
  if (options.mask !== undefined && options.mask.length !== width * height) {
    throw new KernelArgumentError(`${width} x ${height} pixels`, 'mask', options.mask.length);
  }
  const types = new Set(bands.map(({ data }) => typeOf(data)));
  const [only] = types;
  const tiled = options.tiled ?? Math.max(width, height) >= 512;
  const spec: NativeGeoTiff = {
    width, height,
    type: gdalNames[types.size === 1 && only !== undefined ? only : 'float32'],
    bands: bands.map(({ data, description }) => ({ data, description: description ?? '' })),
    noData: oneNoData(bands),
    crs: options.crs ?? null,
    geotransform: checkedGeotransform(options.geotransform),
    rpc: options.rpc === undefined ? null : rpcMetadataOf(options.rpc),
    metadata: options.metadata ?? null,
    mask: options.mask ?? null,
    blockSize: tiled ? 256 : 0,
    stripRows: tiled ? 0 : (options.stripRows ?? 0),
    compress: options.compress ?? 'DEFLATE',
  };
  writeAtomically(path, (temporary) => callRaster((raster) => raster.writeGeoTiff(temporary, spec)));
}

export interface TiledOptions {
  readonly width: number; readonly height: number;
  readonly bands: readonly { readonly type: RasterType; readonly noData?: number | null; readonly description?: string }[];
  readonly crs?: string;
  readonly geotransform?: readonly number[];
  readonly metadata?: Readonly<Record<string, string>>;
  /** Side of the tiles, a multiple of 16; default 512. */
  readonly blockSize?: number;
  readonly compress?: 'DEFLATE' | 'LZW' | 'ZSTD' | 'NONE';
}

export interface TiledRaster {
  /** Writes a rectangle of a band (counts from 1); whole tiles at a time are cheapest. Memory does not grow with the raster. */
  writeBlock(band: number, col0: number, row0: number, width: number, height: number, data: RasterArray): void;
  /** Finishes the file and gives it its name; what was never written reads as no-data (0 without one). */
  close(): void;
  /** Drops the file. After close: nothing. */
  discard(): void;
}

/**
 * Creates a tiled GeoTIFF to be written piece by piece; it appears at `path` on close(). All bands have the same type and no-data value. Without
 * compression blocks of nothing but no-data (0 without one) take no room. Throws RasterError.
 */
export function createTiled(path: string, options: TiledOptions): TiledRaster {
  const { width, height, bands, blockSize = 512 } = options;
  checkSize(width, height);
  const [first] = bands;
  if (first === undefined) throw new KernelArgumentError('at least one band', 'bands', 0);
  if (bands.some(({ type }) => type !== first.type)) {
    throw new KernelArgumentError('bands of one type', 'bands', bands.map(({ type }) => type).join(', '));
  }
  if (!Number.isInteger(blockSize) || blockSize < 16 || blockSize % 16 !== 0) {
    throw new KernelArgumentError('a multiple of 16', 'blockSize', blockSize);
  }
  const temporary = temporaryBeside(path);
  const spec: NativeGeoTiff = {
    width, height, type: gdalNames[first.type],
    bands: bands.map(({ description }) => ({ description: description ?? '' })),
    noData: oneNoData(bands), crs: options.crs ?? null, geotransform: checkedGeotransform(options.geotransform),
    rpc: null, metadata: options.metadata ?? null, mask: null, blockSize, stripRows: 0, compress: options.compress ?? 'DEFLATE',
  };
  const handle = callRaster((raster) => raster.createTiled(temporary, spec));
  let open = true;
  return {
    writeBlock(band, col0, row0, blockWidth, blockHeight, data) {
      callRaster((raster) =>
        raster.writeTiledBlock(handle, band, { col0, row0, width: blockWidth, height: blockHeight }, data));
    },
    close() {
      if (!open) return;
      open = false;
      try {
        callRaster((raster) => raster.closeTiled(handle));
        renameSync(temporary, path);
      } catch (error) {
        rmSync(temporary, { force: true });
        throw error;
      }
    },
    discard() {
      if (!open) return;
      open = false;
      try {
        callRaster((raster) => raster.closeTiled(handle));
      } catch (error) {
        // What a full disk doesn't take of it isn't wanted any more.
        if (!(error instanceof RasterError)) throw error;
      } finally {
        rmSync(temporary, { force: true });
      }
    },
  };
}

function checkSize(width: number, height: number): void {
  for (const [field, value] of [['width', width], ['height', height]] as const) {
    if (!Number.isInteger(value) || value < 1) throw new KernelArgumentError('a positive whole number', field, value);
  }
}

function checkedGeotransform(values: readonly number[] | undefined): readonly number[] | null {
  if (values === undefined) return null;
  if (values.length !== 6 || !values.every(Number.isFinite)) throw new KernelArgumentError('six numbers', 'geotransform', values);
  return values;
}

function oneNoData(bands: readonly { readonly noData?: number | null }[]): number | null {
  const values = bands.map(({ noData }) => noData ?? null).filter((value) => value !== null);
  const [first] = values;
  if (first === undefined) return null;
  if (!values.every((value) => Object.is(value, first))) {
    throw new KernelArgumentError('one no-data value for all bands', 'noData', values.join(', '));
  }
  return first;
}

function typeOf(data: RasterArray): RasterType {
  if (data instanceof Uint8Array) return 'uint8';
  if (data instanceof Uint16Array) return 'uint16';
  if (data instanceof Int16Array) return 'int16';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  throw new KernelArgumentError('a typed array of pixels', 'bands', typeof data);
}
