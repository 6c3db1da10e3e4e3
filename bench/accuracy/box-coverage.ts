// SPDX-License-Identifier: Apache-2.0
import { openInfo, readBands } from '@altiplano/kernels/raster';

/** Shares of the reference's box (its whole grid, holes included) that have a height: in the DSM, and in the reference itself. */
export interface BoxCoverage { readonly dsm: number; readonly reference: number }

/** How much of the reference's box each of two DSMs covers. Both are north-up in the same CRS; band 1 is the height. */
export function boxCoverage(dsm: string, reference: string): BoxCoverage {
  const box = gridOf(reference);
  const [left, top] = [box.originE, box.originN];
  const [right, bottom] = [left + box.width * box.cellM, top - box.height * box.cellM];
  const own = gridOf(dsm);
  let cells = 0;
  for (let row = 0; row < own.height; row++) {
    const north = own.originN - (row + 0.5) * own.cellM;
    if (north > top || north < bottom) continue;
    for (let col = 0; col < own.width; col++) {
      const east = own.originE + (col + 0.5) * own.cellM;
      if (east >= left && east <= right && Number.isFinite(own.heights[row * own.width + col])) cells += 1;
    }
  }
  const areaM2 = (right - left) * (top - bottom);
  return { dsm: (cells * own.cellM ** 2) / areaM2, reference: box.heights.filter(Number.isFinite).length / box.heights.length };
}

function gridOf(path: string): { originE: number; originN: number; cellM: number; width: number; height: number; heights: Float32Array } {
  const { geotransform, width, height } = openInfo(path);
  const [heights] = readBands(path);
  if (geotransform === null || heights === undefined) throw new Error(`${path}: no geotransform`);
  const [originE = NaN, cellM = NaN, , originN = NaN] = geotransform;
  return { originE, originN, cellM, width, height, heights };
}
