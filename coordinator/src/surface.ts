// SPDX-License-Identifier: Apache-2.0
import { crsInfo, openInfo, readWindow } from '@altiplano/kernels/raster';
import { InputError } from '@altiplano/protocol';

/** Heights on a north-up grid, in memory; cells may be oblong and the CRS may count degrees. */
export interface Surface {
  /** Names the surface in errors. */
  readonly path: string;
  readonly crs: string | null;
  /** Upper left corner of the first cell, and the steps to the next column and row, in units of the CRS (`stepY` < 0). */
  readonly x0: number; readonly y0: number;
  readonly stepX: number; readonly stepY: number;
  readonly width: number; readonly height: number;
  /** Metres, row-major, NaN = none. */
  readonly heights: Float32Array;
}

/** Reads the first band of any raster GDAL opens. Throws InputError for a file without a north-up geotransform. */
export function readSurface(path: string): Surface {
  const info = openInfo(path);
  const { geotransform } = info;
  if (geotransform === null) throw new InputError(`${path}: no geotransform: a DSM has to be georeferenced`);
  const [x0 = NaN, stepX = NaN, skewX = NaN, y0 = NaN, skewY = NaN, stepY = NaN] = geotransform;
  if (skewX !== 0 || skewY !== 0 || !(stepX > 0 && stepY < 0)) {
    throw new InputError(`${path}: geotransform ${geotransform.join(', ')} isn't north-up; warp it first (gdalwarp)`);
  }
  const { data, mask } = readWindow(path, { band: 1 });
  const heights = data instanceof Float32Array ? data : Float32Array.from(data);
  for (let cell = 0; cell < heights.length; cell++) {
    if ((mask !== null && mask[cell] === 0) || !Number.isFinite(heights[cell])) heights[cell] = NaN;
  }
  return { path, crs: info.crs, x0, y0, stepX, stepY, width: info.width, height: info.height, heights };
}

/**
 * Height at a place between cells, bilinear; (0, 0) is the centre of the first cell. There is one where the nearest cell
 * has one, so that holes keep their area however the grids lie; neighbours without a height don't take part,
 * the others' weights are scaled up. On a cell's centre (to a millionth of a cell) it is that cell's height to the bit.
 */
export function heightAt({ heights, width, height }: Surface, col: number, row: number): number {
  const x = Math.round(col * 1e6) / 1e6;
  const y = Math.round(row * 1e6) / 1e6;
  const nearCol = Math.floor(x + 0.5);
  const nearRow = Math.floor(y + 0.5);
  if (!(nearCol >= 0 && nearCol < width && nearRow >= 0 && nearRow < height)) return NaN;
  const near = heights[nearRow * width + nearCol] ?? NaN;
  if (Number.isNaN(near) || (x === nearCol && y === nearRow)) return near;
  const left = Math.floor(x);
  const top = Math.floor(y);
  let weight = 0, sum = 0;
  for (let corner = 0; corner < 4; corner++) {
    const [atCol, atRow] = [left + (corner & 1), top + (corner >> 1)];
    if (atCol < 0 || atCol >= width || atRow < 0 || atRow >= height) continue;
    const value = heights[atRow * width + atCol] ?? NaN;
    if (Number.isNaN(value)) continue;
    const w = (1 - Math.abs(x - atCol)) * (1 - Math.abs(y - atRow));
    weight += w;
    sum += w * value;
  }
  return sum / weight;
}

/** Metres per unit of the CRS at a row's centre, eastward and northward. A surface without a CRS counts metres. */
export function metresPerUnit({ crs, y0, stepY }: Surface, row: number): { east: number; north: number } {
  if (crs === null) return { east: 1, north: 1 };
  const { isProjected, unitM } = crsInfo(crs);
  if (isProjected) return { east: unitM ?? 1, north: unitM ?? 1 };
  // Radii of curvature of the WGS84 ellipsoid: prime vertical times cos(lat), and meridian.
  const lat = ((y0 + (row + 0.5) * stepY) * Math.PI) / 180;
  const a = 6378137;
  const e2 = 0.00669437999014;
  const w2 = 1 - e2 * Math.sin(lat) ** 2;
  const degree = Math.PI / 180;
  return { east: (degree * a * Math.cos(lat)) / Math.sqrt(w2), north: (degree * a * (1 - e2)) / w2 ** 1.5 };
}
