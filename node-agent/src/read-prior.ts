// SPDX-License-Identifier: Apache-2.0
import type { HeightPrior } from '@altiplano/kernels';
import { openInfo, readBands } from '@altiplano/kernels/raster';
import type { GroundBox, HeightRange } from '@altiplano/protocol';
import { InputError } from '@altiplano/protocol/plain';

/**
 * Reads the part of a prior raster (bands low, high: metres) around a ground box, one cell wider on each side.
 * Cells the prior doesn't know, and a box it doesn't meet, get the tile's whole height range.
 */
export function readPrior(path: string, box: GroundBox, heightRange: HeightRange): HeightPrior {
  const info = openInfo(path);
  const transform = info.geotransform;
  if (transform === null) throw new InputError(`${path}: a height prior needs a geotransform`);
  const [originE = 0, resolution = 1, , originN = 0] = transform;
  const clamp = (x: number, max: number): number => Math.min(Math.max(x, 0), max);
  const col0 = clamp(Math.floor((box.minE - originE) / resolution) - 1, info.width);
  const col1 = clamp(Math.ceil((box.maxE - originE) / resolution) + 1, info.width);
  const row0 = clamp(Math.floor((originN - box.maxN) / resolution) - 1, info.height);
  const row1 = clamp(Math.ceil((originN - box.minN) / resolution) + 1, info.height);
  if (col1 <= col0 || row1 <= row0) {
    const side = Math.max(box.maxE - box.minE, box.maxN - box.minN);
    const grid = { originE: box.minE, originN: box.maxN, resolution: side, width: 1, height: 1 };
    return { grid, low: Float32Array.of(heightRange[0]), high: Float32Array.of(heightRange[1]) };
  }
  const rect = { col0, row0, width: col1 - col0, height: row1 - row0 };
  const [low, high] = readBands(path, rect);
  if (low === undefined || high === undefined) throw new InputError(`${path}: a height prior needs two bands, low and high`);
  for (let i = 0; i < low.length; i++) {
    if (!Number.isFinite(low[i])) low[i] = heightRange[0];
    if (!Number.isFinite(high[i])) high[i] = heightRange[1];
  }
  const grid = { originE: originE + col0 * resolution, originN: originN - row0 * resolution, resolution, width: rect.width, height: rect.height };
  return { grid, low, high };
}
