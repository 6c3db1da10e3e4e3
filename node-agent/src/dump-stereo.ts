// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type DisparityMap, type ImageWindow, type RpcModel, triangulate, validity as validityBits } from '@altiplano/kernels';
import { type GeoTiffOptions, drawHillshade, drawImage, writeGeoTiff } from '@altiplano/kernels/raster';
import type { StereoTask } from '@altiplano/protocol';
import type { StereoWatcher } from './stereo-watcher.js';

/** What the values of a validity raster are sums of, for those who look at it with other programs. */
const bitNames = Object.fromEntries(Object.entries(validityBits).filter(([, bit]) => bit !== 0).map(([name, bit]) => [`BIT_${String(bit).padStart(3, '0')}`, name]));

/**
 * Writes every intermediate of a stereo task into a folder, numbered as they come: a GeoTIFF to measure in and a PNG to look at. Windows
 * keep their camera; the rectified frame has no place on the map, its points say where they are.
 */
export function dumpTo(folder: string, task: StereoTask): StereoWatcher {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, options: GeoTiffOptions): void => {
    const path = join(folder, `${name}.tif`);
    writeGeoTiff(path, options);
    drawImage(path, join(folder, `${name}.png`));
  };
  const window = (name: string, { data, mask, col0, row0, width, height }: ImageWindow, rpc: RpcModel): void => {
    write(name, {
      width, height, bands: [{ data }], rpc: { ...rpc, colOff: rpc.colOff - col0, rowOff: rpc.rowOff - row0 }, ...(mask !== null && { mask }),
      metadata: { ALTIPLANO_COL0: String(col0), ALTIPLANO_ROW0: String(row0), ALTIPLANO_REDUCTION: String(task.factor) },
    });
  };
  const disparities = (name: string, { disparity, confidence, validity, width, height }: DisparityMap): void => {
    write(`${name}-disparity`, { width, height, bands: [{ data: disparity, description: 'disparity', noData: NaN }] });
    write(`${name}-confidence`, { width, height, bands: [{ data: confidence, description: 'confidence' }] });
    write(`${name}-validity`, { width, height, bands: [{ data: validity, description: 'validity: why there is no disparity, 0 where there is' }], metadata: bitNames });
  };
  return {
    windows(ref, refRpc, sec, secRpc) {
      window('1-window-reference', ref, refRpc);
      window('1-window-secondary', sec, secRpc);
    },
    rectified(ref, sec, { low, count }) {
      for (const [name, { data, valid, width, height }] of [['reference', ref], ['secondary', sec]] as const) {
        write(`2-rectified-${name}`, { width, height, bands: [{ data }], mask: valid });
      }
      write('2-range-low', { width: ref.width, height: ref.height, bands: [{ data: low, description: `first of ${count} disparities searched` }] });
    },
    matched(map) { disparities('3-matched', map); },
    filtered(map, { groundFromRect }) {
      disparities('4-filtered', map);
      const { originE, originN } = task.grid;
      const { width, height, east, north, up } = triangulate(map, groundFromRect, originE, originN);
      write('5-points', {
        width, height,
        bands: [
          { data: Float64Array.from(up), description: 'height above the ellipsoid, metres', noData: NaN },
          { data: Float64Array.from(east, (value) => value + originE), description: `east, ${task.crs}`, noData: NaN },
          { data: Float64Array.from(north, (value) => value + originN), description: `north, ${task.crs}`, noData: NaN },
        ],
      });
    },
  };
}

/** Pictures a partial DSM beside itself. */
export function picturePartial(path: string): void {
  drawHillshade(path, path.replace(/\.tif$/, '.png'));
}
