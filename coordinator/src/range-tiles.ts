// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTiled, readBands, readWindow } from '@altiplano/kernels/raster';
import { type GridSpec, type GroundBox, type HeightRange, type ScenePlan, priorKey } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import { type HeightBounds, fillBounds, localBounds, reduceBounds } from './height-bounds.js';
import type { CellRect } from './merge-block.js';
import { type MergedDsm, geotransformOf, mergedBand, metresPerPixel } from './merge-dsm.js';
import { quantile } from './statistics.js';

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
}
const defaults: PriorOptions = { radius: 3, stepRadius: 6, marginPx: 2 };

const blockCells = 512;
/** Holes are filled on a grid this much coarser, so that memory holds 1/64 of the level. */
const reduction = 8;
/** Past holes of 8 x 2^5 = 256 coarse cells the scene's own range says as much as their far-away rims. */
const maxDoublings = 5;

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
  const { radius, stepRadius, marginPx } = { ...defaults, ...options };
  const { grid } = merged;
  const pixelM = Math.max(...plan.pairs.map((pair) => metresPerPixel(plan, pair.id, factor)));
  const marginM = marginPx * pixelM;
  // Neighbours on a 45 degree slope differ by a cell diagonal; on top of that, two pixels of noise.
  const support = { radius, stepRadius, toleranceM: 1.5 * grid.resolution + 2 * pixelM, support: 3 };
  const boundsOf = (block: CellRect): HeightBounds => {
    const outer = expand(block, radius + stepRadius + 1, grid);
    return crop(localBounds(readHeights(merged.path, outer), outer.width, outer.height, support), outer, block);
  };

  const reducedWidth = Math.ceil(grid.width / reduction);
  const reducedHeight = Math.ceil(grid.height / reduction);
  const reduced = { low: new Float32Array(reducedWidth * reducedHeight), high: new Float32Array(reducedWidth * reducedHeight) };
  for (const block of blocksOf(grid)) {
    const part = reduceBounds(boundsOf(block), block.width, block.height, reduction);
    const [width, height] = [Math.ceil(block.width / reduction), Math.ceil(block.height / reduction)];
    const at: CellRect = { col0: block.col0 / reduction, row0: block.row0 / reduction, width, height };
    paste(part.low, at, reduced.low, reducedWidth);
    paste(part.high, at, reduced.high, reducedWidth);
  }
  const surroundings = fillBounds(reduced, reducedWidth, reducedHeight, sceneRange(reduced, plan.heightDomain), maxDoublings);

  return writePrior(plan, factor, grid, store, (block) => {
    const bounds = boundsOf(block);
    for (let row = 0; row < block.height; row++) {
      for (let col = 0; col < block.width; col++) {
        const cell = row * block.width + col;
        const around = Math.floor((block.row0 + row) / reduction) * reducedWidth + Math.floor((block.col0 + col) / reduction);
        const isHole = Number.isNaN(bounds.low[cell]);
        const low = (isHole ? surroundings.low[around] : bounds.low[cell]) ?? NaN;
        const high = (isHole ? surroundings.high[around] : bounds.high[cell]) ?? NaN;
        const margin = (isHole ? 2 : 1) * marginM + plan.request.params.rangeMargin * (high - low);
        const [clippedLow, clippedHigh] = clipTo(plan.heightDomain, low - margin, high + margin);
        bounds.low[cell] = clippedLow;
        bounds.high[cell] = clippedHigh;
      }
    }
    return bounds;
  });
}

function openPrior(key: string, grid: GridSpec, store: ObjectStore): Prior {
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
      return [low.reduce((a, b) => Math.min(a, b)), high.reduce((a, b) => Math.max(a, b))];
    },
  };
}

/** Writes the bounds block by block to a local file, then puts it into the store in one step. */
async function writePrior(plan: ScenePlan, factor: number, grid: GridSpec, store: ObjectStore, boundsOf: (block: CellRect) => HeightBounds): Promise<Prior> {
  const directory = await mkdtemp(join(tmpdir(), 'altiplano-prior-'));
  try {
    const path = join(directory, 'prior.tif');
    const out = createTiled(path, {
      width: grid.width, height: grid.height, crs: plan.crs, geotransform: geotransformOf(grid), blockSize: Math.min(blockCells, 256),
      bands: ['low', 'high'].map((description) => ({ type: 'float32', noData: null, description })),
    });
    try {
      for (const block of blocksOf(grid)) {
        const { low, high } = boundsOf(block);
        out.writeBlock(1, block.col0, block.row0, block.width, block.height, low);
        out.writeBlock(2, block.col0, block.row0, block.width, block.height, high);
      }
      out.close();
    } finally {
      out.discard();
    }
    const key = priorKey(plan.sceneId, factor, await hashOf(path));
    await store.putFile(key, path);
    return openPrior(key, grid, store);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex').slice(0, 16);
}

/** Heights of a merged DSM, NaN where it has none. */
function readHeights(path: string, rect: CellRect): Float32Array {
  const { data, mask } = readWindow(path, { band: mergedBand.height, rect });
  const heights = Float32Array.from(data);
  if (mask !== null) for (let cell = 0; cell < heights.length; cell++) if (mask[cell] === 0) heights[cell] = NaN;
  return heights;
}

/** The heights that all but 1 % of the known ground lies between; the height domain when nothing is known. */
function sceneRange({ low, high }: HeightBounds, domain: HeightRange): HeightRange {
  const lows = Float64Array.from(low.filter((value) => !Number.isNaN(value))).sort();
  const highs = Float64Array.from(high.filter((value) => !Number.isNaN(value))).sort();
  return lows.length === 0 ? domain : [quantile(lows, 0.005), quantile(highs, 0.995)];
}

/** The bounds inside the domain; all of it where they are unknown or miss it. */
function clipTo([least, most]: HeightRange, low: number, high: number): HeightRange {
  const clipped: HeightRange = [Math.max(least, low), Math.min(most, high)];
  return clipped[0] < clipped[1] ? clipped : [least, most];
}

function* blocksOf(grid: GridSpec): Generator<CellRect> {
  for (let row0 = 0; row0 < grid.height; row0 += blockCells) {
    for (let col0 = 0; col0 < grid.width; col0 += blockCells) {
      yield { col0, row0, width: Math.min(blockCells, grid.width - col0), height: Math.min(blockCells, grid.height - row0) };
    }
  }
}

function expand(rect: CellRect, cells: number, grid: GridSpec): CellRect {
  const col0 = Math.max(0, rect.col0 - cells);
  const row0 = Math.max(0, rect.row0 - cells);
  return {
    col0, row0,
    width: Math.min(grid.width, rect.col0 + rect.width + cells) - col0,
    height: Math.min(grid.height, rect.row0 + rect.height + cells) - row0,
  };
}

function crop(bounds: HeightBounds, outer: CellRect, inner: CellRect): HeightBounds {
  const cut = (values: Float32Array): Float32Array => {
    const part = new Float32Array(inner.width * inner.height);
    for (let row = 0; row < inner.height; row++) {
      const start = (inner.row0 - outer.row0 + row) * outer.width + inner.col0 - outer.col0;
      part.set(values.subarray(start, start + inner.width), row * inner.width);
    }
    return part;
  };
  return { low: cut(bounds.low), high: cut(bounds.high) };
}

function paste(part: Float32Array, rect: CellRect, into: Float32Array, width: number): void {
  for (let row = 0; row < rect.height; row++) {
    into.set(part.subarray(row * rect.width, (row + 1) * rect.width), (rect.row0 + row) * width + rect.col0);
  }
}
