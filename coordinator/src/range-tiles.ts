// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type HeightBounds, fillBounds, localBounds, reduceBounds, widenBounds } from '@altiplano/kernels';
import { type TiledRaster, createTiled, readBand, readBands } from '@altiplano/kernels/raster';
import type { GridSpec, GroundBox, HeightRange, ScenePlan } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import { priorKey } from '@altiplano/protocol/plain';
import type { CellRect } from './merge-block.js';
import { type MergedDsm, geotransformOf, metresPerPixel } from './merge-dsm.js';

/** Height bounds of a level, in the store as a GeoTIFF of the bands low and high (metres, float32, no holes). */
export interface Prior {
  readonly key: string;
  readonly grid: GridSpec;
  /** Lowest low and highest high of the cells a box touches; null where it touches none. */
  tileHeightRange(box: GroundBox): HeightRange | null;
}

export interface PriorOptions {
  /** Coarse cells around a cell whose heights may be its own: edges move by as much between levels. */
  readonly radius: number;
  /** Coarse cells around a cell whose steps it may have as well: what the coarse level misses between and on buildings. */
  readonly stepRadius: number;
  /** Allowance for the coarse matcher's error on both sides, pixels of disparity of the coarse level; twice that in holes. */
  readonly marginPx: number;
  /** Blocks (2 MB each) whose bounds are kept until all holes are known; those of further ones are computed twice, which is cheaper than a file. */
  readonly keptBlocks: number;
}
const defaults: PriorOptions = { radius: 3, stepRadius: 6, marginPx: 2.25, keptBlocks: 32 };

const blockCells = 512;
/** Holes are filled on a grid this much coarser. */
const reduction = 8;
/** Past holes of 8 x 2^5 = 256 coarse cells the scene's own range says as much as their far-away rims. */
const maxDoublings = 5;
/** Reduced cells around a block that its holes are filled from. */
const reach = 2 << maxDoublings;

/**
 * Makes the height bounds the level below searches between, from the merged DSM of level 1/`factor`, and puts them into the
 * store under a key of their content: a task that searches between other bounds is another task, whatever an interrupted run left.
 *
 * Bounds of a cell: the extremes of the supported heights within `radius` cells, widened to the largest step near by, plus
 * `rangeMargin` of their difference and `marginPx` pixels' worth of height; in holes the extremes of the surroundings at
 * growing scale, at last the scene's (0.5 % to 99.5 %); all inside the plan's height domain. The idea of searching between
 * bounds of the level above: Rothermel et al., SURE, LC3D 2012, section 3.
 */
export async function makePrior(
  { merged, plan, factor, store }: { readonly merged: MergedDsm; readonly plan: ScenePlan; readonly factor: number; readonly store: ObjectStore },
  options: Partial<PriorOptions> = {},
): Promise<Prior> {
  const { radius, stepRadius, marginPx, keptBlocks } = { ...defaults, ...options };
  const { grid } = merged;
  const pixelM = Math.max(...plan.pairs.map((pair) => metresPerPixel(plan, pair.id, factor)));
  // Neighbours on a 45 degree slope differ by a cell diagonal; on top of that, two pixels of noise.
  const support = { radius, stepRadius, toleranceM: 1.5 * grid.resolution + 2 * pixelM, support: 3 };
  const [lowest, highest] = plan.heightDomain;
  const widening = { marginM: marginPx * pixelM, shareOfSpan: plan.request.params.rangeMargin, lowest, highest };

  const localOf = (block: CellRect): HeightBounds => {
    const outer = expand(block, radius + stepRadius + 1, grid);
    return crop(localBounds(readBand(merged.path, 1, outer), outer.width, outer.height, support), outer, block);
  };
  // Beside the store's objects, so that the prior is put by a move.
  const directory = await mkdtemp(join(store.scratchFolder, 'prior-'));
  try {
    const raster = (name: string, part: GridSpec, blockSize: number): TiledRaster & { readonly path: string } => {
      const path = join(directory, name);
      const bands = ['low', 'high'].map((description) => ({ type: 'float32' as const, noData: null, description }));
      return { path, ...createTiled(path, { ...part, crs: plan.crs, geotransform: geotransformOf(part), blockSize, bands, compress: 'NONE' }) };
    };
    const reducedGrid = {
      ...grid, resolution: reduction * grid.resolution, width: Math.ceil(grid.width / reduction), height: Math.ceil(grid.height / reduction),
    };
    // Holes need their surroundings, which are known when all blocks are.
    const kept: HeightBounds[] = [];
    const reduced = raster('reduced.tif', reducedGrid, blockCells / reduction);
    const known = openRange(plan.heightDomain);
    for (const block of blocksOf(grid)) {
      const bounds = localOf(block);
      if (kept.length < keptBlocks) kept.push(bounds);
      const coarse = reduceBounds(bounds, reduction);
      known.add(coarse);
      write(reduced, { ...coarse, col0: block.col0 / reduction, row0: block.row0 / reduction }, coarse);
    }
    reduced.close();

    const prior = raster('prior.tif', grid, 256);
    for (const block of blocksOf(grid)) {
      const bounds = kept.shift() ?? localOf(block);
      if (hasHole(bounds)) {
        const inner = {
          col0: block.col0 / reduction, row0: block.row0 / reduction, width: Math.ceil(block.width / reduction), height: Math.ceil(block.height / reduction),
        };
        const outer = expand(inner, reach, reducedGrid);
        const around = readBounds(reduced.path, outer);
        fillBounds(around, known.range(), maxDoublings);
        widenBounds(bounds, crop(around, outer, inner), reduction, widening);
      } else widenBounds(bounds, bounds, 1, widening);
      write(prior, block, bounds);
    }
    prior.close();
    const key = priorKey(plan.sceneId, factor, await hashOf(prior.path));
    await store.putFile(key, prior.path);
    return openPrior(key, grid, store);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A prior that is in the store. */
export function openPrior(key: string, grid: GridSpec, store: ObjectStore): Prior {
  return {
    key, grid,
    tileHeightRange(box) {
      const col0 = Math.max(0, Math.floor((box.minE - grid.originE) / grid.resolution));
      const row0 = Math.max(0, Math.floor((grid.originN - box.maxN) / grid.resolution));
      const width = Math.min(grid.width, Math.ceil((box.maxE - grid.originE) / grid.resolution)) - col0;
      const height = Math.min(grid.height, Math.ceil((grid.originN - box.minN) / grid.resolution)) - row0;
      if (width <= 0 || height <= 0) return null;
      const [low, high] = readBands(store.gdalPath(key), { col0, row0, width, height });
      if (low === undefined || high === undefined) throw new Error(`${store.gdalPath(key)}: a prior has the bands low, high`);
      return extremes({ width, height, low, high });
    },
  };
}

// Loops over an index: millions of cells, and a callback for each takes ten times as long.

const hasHole = ({ low }: HeightBounds): boolean => {
  for (let cell = 0; cell < low.length; cell++) if (Number.isNaN(low[cell])) return true;
  return false;
};

/** Lowest low and highest high of bounds without holes. */
function extremes({ low, high }: HeightBounds): HeightRange {
  let [least, most] = [Infinity, -Infinity];
  for (let cell = 0; cell < low.length; cell++) {
    least = Math.min(least, low[cell] ?? NaN);
    most = Math.max(most, high[cell] ?? NaN);
  }
  return [least, most];
}

function readBounds(path: string, { col0, row0, width, height }: CellRect): HeightBounds {
  const [low, high] = readBands(path, { col0, row0, width, height });
  if (low === undefined || high === undefined) throw new Error(`${path}: bounds have the bands low, high`);
  return { width, height, low, high };
}

function write(raster: TiledRaster, { col0, row0, width, height }: CellRect, { low, high }: HeightBounds): void {
  raster.writeBlock(1, col0, row0, width, height, low);
  raster.writeBlock(2, col0, row0, width, height, high);
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk);
  return hash.digest('hex').slice(0, 16);
}

/** Gathers the heights that all but 1 % of the known ground lies between, to 1/4 m outwards; the domain when nothing is known. */
function openRange(domain: HeightRange): { add(bounds: HeightBounds): void; range(): HeightRange } {
  const perMetre = 4;
  const [from, to] = [Math.floor(domain[0]), Math.ceil(domain[1])];
  const size = Math.max(1, perMetre * (to - from));
  const [lows, highs] = [new Float64Array(size), new Float64Array(size)];
  const binOf = (height: number): number => Math.min(size - 1, Math.max(0, Math.floor(perMetre * (height - from))));
  let cells = 0;
  const binAt = (counts: Float64Array, share: number): number => {
    let sum = 0;
    return counts.findIndex((count) => (sum += count) >= share * cells);
  };
  return {
    add({ low, high }) {
      for (let cell = 0; cell < low.length; cell++) {
        const [least = NaN, most = NaN] = [low[cell], high[cell]];
        if (Number.isNaN(least)) continue;
        cells++;
        lows[binOf(least)] = (lows[binOf(least)] ?? 0) + 1;
        highs[binOf(most)] = (highs[binOf(most)] ?? 0) + 1;
      }
    },
    range: () => (cells === 0 ? domain : [from + binAt(lows, 0.005) / perMetre, from + (binAt(highs, 0.995) + 1) / perMetre]),
  };
}

function* blocksOf(grid: GridSpec): Generator<CellRect> {
  for (let row0 = 0; row0 < grid.height; row0 += blockCells) {
    for (let col0 = 0; col0 < grid.width; col0 += blockCells) {
      yield { col0, row0, width: Math.min(blockCells, grid.width - col0), height: Math.min(blockCells, grid.height - row0) };
    }
  }
}

function expand(rect: CellRect, cells: number, { width, height }: Pick<GridSpec, 'width' | 'height'>): CellRect {
  const col0 = Math.max(0, rect.col0 - cells);
  const row0 = Math.max(0, rect.row0 - cells);
  return { col0, row0, width: Math.min(width, rect.col0 + rect.width + cells) - col0, height: Math.min(height, rect.row0 + rect.height + cells) - row0 };
}

function crop(bounds: HeightBounds, outer: CellRect, { col0, row0, width, height }: CellRect): HeightBounds {
  const cut = (values: Float32Array): Float32Array => {
    const part = new Float32Array(width * height);
    for (let row = 0; row < height; row++) {
      const start = (row0 - outer.row0 + row) * outer.width + col0 - outer.col0;
      part.set(values.subarray(start, start + width), row * width);
    }
    return part;
  };
  return { width, height, low: cut(bounds.low), high: cut(bounds.high) };
}
