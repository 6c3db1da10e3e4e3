// SPDX-License-Identifier: Apache-2.0
import { renameSync, rmSync } from 'node:fs';
import { KernelArgumentError } from '../lib/errors.js';
import type { GridSpec, PixelRect } from '../lib/types.js';
import { temporaryBeside } from './atomic.js';
import { callRaster, type NativeGeoTiff, type ProductTally } from './native.js';

export type { ProductTally } from './native.js';
export type ProductLayer = 'dsm' | 'confidence' | 'count' | 'spread' | 'validity';

export interface ProductCogs {
  /** The merged heights: an uncompressed GeoTIFF of one float32 band. */
  readonly merged: string;
  /** Of the same grid and blocks the uint16 bands confidence and spread (in steps of 1/256) and count; they are not looked at where there is no height. */
  readonly cells: string;
  /** By fives: column, row, width and height of cells in that grid, and why those without a height have none. What is in none of them is outside. */
  readonly owned: Int32Array;
  /** The part of it to publish, and the grid of that part. */
  readonly rect: PixelRect;
  readonly grid: GridSpec;
  readonly crs: string;
  /** Undulation raster to subtract from heights; null = they stay as they are. */
  readonly geoid: string | null;
  /** Cells whose centre lies outside stay empty; corners by turns x and y in `crs`; null = all stay. */
  readonly roi: Float64Array | null;
  /** Where pairs see ground; an empty cell outside of all of them is called so. None = everywhere. */
  readonly seen: readonly Float64Array[];
  /** Heights are counted in so many bins of equal width; the outer ones hold what lies beyond, too. */
  readonly histogram: { readonly from: number; readonly to: number; readonly bins: number };
  /** Where each layer goes, and what its file says. */
  readonly layers: Readonly<Record<ProductLayer, {
    readonly path: string; readonly crs: string; readonly description: string; readonly metadata: Readonly<Record<string, string>>;
  }>>;
  readonly compress: 'DEFLATE' | 'ZSTD';
  /** Folder for temporary files of the layers' size. */
  readonly scratchDir: string;
  /** The bytes are the same for any number. */
  readonly threads: number;
}

const noHeight = -32768;
/** In the addon's order. */
const layers = [['dsm', 'Float32'], ['confidence', 'Float32'], ['count', 'UInt16'], ['spread', 'Float32'], ['validity', 'Byte']] as const;

/**
 * Publishes a merged DSM: dsm (rounded to 1/1024 m), confidence and spread (to 1/256; all three float32, no-data -32768), count
 * (uint16) and validity (uint8, why there is no height) as cloud-optimised GeoTIFFs with overviews, in one pass on `threads`
 * threads. Each appears whole under its name. Memory: below 60 MB a thread. The same input gives the same bytes. Throws RasterError.
 */
export function writeProductCogs(options: ProductCogs): ProductTally {
  const { merged, cells, owned, rect, grid, crs, geoid, roi, seen, histogram, compress, scratchDir, threads } = options;
  if (rect.width !== grid.width || rect.height !== grid.height) {
    throw new KernelArgumentError(`${rect.width} x ${rect.height} cells, as in rect`, 'grid', `${grid.width} x ${grid.height}`);
  }
  if (owned.length % 5 !== 0) throw new KernelArgumentError('five numbers a rectangle', 'owned', owned.length);
  if (!(Number.isInteger(threads) && threads > 0)) throw new KernelArgumentError('a positive whole number', 'threads', threads);
  if (!(histogram.to > histogram.from)) throw new KernelArgumentError('more than histogram.from', 'histogram.to', histogram.to);
  const files = layers.map(([name, type]) => {
    const layer = options.layers[name];
    const spec: NativeGeoTiff = {
      width: grid.width, height: grid.height, type, bands: [{ description: layer.description }], noData: type === 'Float32' ? noHeight : null,
      crs: layer.crs, geotransform: [grid.originE, grid.resolution, 0, grid.originN, 0, -grid.resolution], rpc: null, metadata: layer.metadata,
      mask: null, blockSize: 512, stripRows: 0, compress,
    };
    return { path: temporaryBeside(layer.path), target: layer.path, spec };
  });
  try {
    const tally = callRaster((raster) => raster.writeProductCogs({
      merged, cells, owned, rect, originE: grid.originE, originN: grid.originN, resolution: grid.resolution, geoid, crs,
      roi: roi === null ? [] : [roi], seen, binsFrom: histogram.from, binsTo: histogram.to, bins: histogram.bins,
      scratch: temporaryBeside(`${scratchDir}/tiles`), threads, files: files.map(({ path, spec }) => ({ path, spec })),
    }));
    for (const { path, target } of files) renameSync(path, target);
    return tally;
  } finally {
    for (const { path } of files) rmSync(path, { force: true });
  }
}
