// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type HeightBounds, fillBounds, localBounds, reduceBounds, spanOf, widenBounds } from '@altiplano/kernels';
import { type TiledRaster, createTiled, readBands } from '@altiplano/kernels/raster';
import type { GridSpec, GroundBox, HeightRange, LevelPlan, ScenePlan } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import { priorKey } from '@altiplano/protocol/plain';
import { boxOfGrid, withHalo } from './ground-tiles.js';
import type { CellRect } from './merge-block.js';
import { type MergedDsm, geotransformOf, metresPerPixel } from './merge-dsm.js';
import { openTileIndex } from './tile-index.js';

/** What a level searches between. In the store: a GeoTIFF of the bands low and high (metres, float32, no holes where a tile of the level sees them). */
export interface Prior {
  readonly key: string;
  /** Lowest low and highest high of the cells that each tile of the level touches, halo included, in the plan's order; NaN for a tile that touches none. */
  readonly ranges: Float64Array;
}

export interface PriorRequest {
  /** The DSM of level 1/`factor`. */
  readonly merged: MergedDsm;
  readonly plan: ScenePlan;
  readonly factor: number;
  /** The level that searches. */
  readonly level: LevelPlan;
  readonly store: ObjectStore;
}

export interface PriorOptions {
  /** Coarse cells around a cell whose heights may be its own: edges move by as much between levels. */
  readonly radius: number;
  /** Coarse cells around a cell whose steps it may have as well: what the coarse level misses between and on buildings. */
  readonly stepRadius: number;
  /** Allowance for the coarse matcher's error on both sides, pixels of disparity of the coarse level; twice that in holes. */
  readonly marginPx: number;
  /** Blocks with holes (2 MB each) whose bounds are kept until all holes are known; those of further ones are computed twice, which is cheaper than a file. */
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
 * Makes the height bounds `level` searches between, from the merged DSM of the level above, and puts them into the
 * store under a key of their content: a task that searches between other bounds is another task, whatever an interrupted run left.
 * Blocks that no tile of `level` sees are left out.
 *
 * Bounds of a cell: the extremes of the supported heights within `radius` cells, widened to the largest step near by, plus
 * `rangeMargin` of their difference and `marginPx` pixels' worth of height; in holes the extremes of the surroundings at
 * growing scale, at last the scene's (0.5 % to 99.5 %); all inside the plan's height domain. The idea of searching between
 * bounds of the level above: Rothermel et al., SURE, LC3D 2012, section 3.
 */
export async function makePrior({ merged, plan, factor, level, store }: PriorRequest, options: Partial<PriorOptions> = {}): Promise<Prior> {
  const { radius, stepRadius, marginPx, keptBlocks } = { ...defaults, ...options };
  const { grid } = merged;
  const pixelM = Math.max(...plan.pairs.map((pair) => metresPerPixel(plan, pair.id, factor)));
  // Neighbours on a 45 degree slope differ by a cell diagonal; on top of that, two pixels of noise.
  const support = { radius, stepRadius, toleranceM: 1.5 * grid.resolution + 2 * pixelM, support: 3 };
  const [lowest, highest] = plan.heightDomain;
  const widening = { marginM: marginPx * pixelM, shareOfSpan: plan.request.params.rangeMargin, lowest, highest };

  // All blocks use the same arrays: new memory costs more than what is computed in it.
  const margin = radius + stepRadius + 1;
  const heights = new Float32Array((blockCells + 2 * margin) ** 2);
  const into = { low: new Float32Array(blockCells ** 2), high: new Float32Array(blockCells ** 2) };
  const threads = availableParallelism();
  const localOf = (block: CellRect): HeightBounds => {
    const outer = expand(block, margin, grid);
    const [own = new Float32Array(0)] = readBands(merged.path, outer, [heights.subarray(0, outer.width * outer.height)]);
    return localBounds(own, outer.width, outer.height, support, { rect: { ...block, col0: block.col0 - outer.col0, row0: block.row0 - outer.row0 }, threads, into });
  };
  const tilesAt = tilesOn(grid, level);
  const ranges = Float64Array.from({ length: 2 * tilesAt.count }, (_, i) => (i % 2 === 0 ? Infinity : -Infinity));
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
    const reduced = raster('reduced.tif', reducedGrid, blockCells / reduction);
    const prior = raster('prior.tif', grid, 256);
    const digests: Buffer[] = [];
    /** Writes a block whose bounds are final. */
    const finish = (number: number, block: CellRect, bounds: HeightBounds): void => {
      write(prior, block, bounds);
      digests[number] = createHash('sha256').update(bounds.low).update(bounds.high).digest();
      for (const { tile, rect } of tilesAt.touching(block)) {
        const part = common(rect, block);
        if (part === null) continue;
        const [low, high] = spanOf(bounds, { ...part, col0: part.col0 - block.col0, row0: part.row0 - block.row0 });
        ranges[2 * tile] = Math.min(ranges[2 * tile] ?? NaN, low);
        ranges[2 * tile + 1] = Math.max(ranges[2 * tile + 1] ?? NaN, high);
      }
    };
    // Holes need their surroundings, which are known when all blocks are.
    const withHoles: { readonly number: number; readonly block: CellRect; readonly bounds: HeightBounds | null }[] = [];
    const known = openRange(plan.heightDomain);
    let blocks = 0;
    for (const block of blocksOf(grid)) {
      const number = blocks++;
      const bounds = localOf(block);
      const coarse = reduceBounds(bounds, reduction);
      known.add(coarse);
      write(reduced, { ...coarse, col0: block.col0 / reduction, row0: block.row0 / reduction }, coarse);
      if (!tilesAt.see(block)) continue;
      if (hasHole(bounds)) withHoles.push({ number, block, bounds: withHoles.length < keptBlocks ? { ...bounds, low: bounds.low.slice(), high: bounds.high.slice() } : null });
      else {
        widenBounds(bounds, bounds, 1, widening);
        finish(number, block, bounds);
      }
    }
    reduced.close();
    const usual = known.range();

    for (const { number, block, bounds: kept } of withHoles) {
      const bounds = kept ?? localOf(block);
      const inner = {
        col0: block.col0 / reduction, row0: block.row0 / reduction, width: Math.ceil(block.width / reduction), height: Math.ceil(block.height / reduction),
      };
      const outer = expand(inner, reach, reducedGrid);
      const around = readBounds(reduced.path, outer);
      fillBounds(around, usual, maxDoublings);
      widenBounds(bounds, crop(around, outer, inner), reduction, widening);
      finish(number, block, bounds);
    }
    prior.close();
    const content = createHash('sha256').update(JSON.stringify([plan.crs, grid]));
    digests.forEach((digest, number) => content.update(`${number}`).update(digest));
    const key = priorKey(plan.sceneId, factor, content.digest('hex').slice(0, 16));
    await store.putFile(key, prior.path);
    return { key, ranges: ranges.map((height) => (Number.isFinite(height) ? height : NaN)) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Lowest low and highest high of the cells of a stored prior that a box touches; null where it touches none. */
export function priorRange(path: string, grid: GridSpec, box: GroundBox): HeightRange | null {
  const rect = touched(grid, box);
  return rect === null ? null : spanOf(readBounds(path, rect), { ...rect, col0: 0, row0: 0 });
}

/** The cells of a grid that a box touches, and so many around them. */
function touched({ originE, originN, resolution, width, height }: GridSpec, { minE, minN, maxE, maxN }: GroundBox, around = 0): CellRect | null {
  const col0 = Math.floor((minE - originE) / resolution) - around, row0 = Math.floor((originN - maxN) / resolution) - around;
  const col1 = Math.ceil((maxE - originE) / resolution) + around, row1 = Math.ceil((originN - minN) / resolution) + around;
  const rect = { col0, row0, width: col1 - col0, height: row1 - row0 };
  return common(rect, { col0: 0, row0: 0, width, height });
}

/** Where a level's tiles, halo included, lie on a grid. */
function tilesOn(grid: GridSpec, level: LevelPlan): {
  readonly count: number;
  /** Whether an agent reads a cell of the block: a cell around what its tile touches as well. */
  see(block: CellRect): boolean;
  /** The tiles that touch the block, and maybe some beside it, with what they touch. */
  touching(block: CellRect): Generator<{ readonly tile: number; readonly rect: CellRect }>;
} {
  const tiles = openTileIndex(level);
  const side = level.tileCells * level.resolution;
  function* near({ col0, row0, width, height }: CellRect): Generator<{ readonly tile: number; readonly box: GroundBox }> {
    const around = level.haloCells * level.resolution + 2 * grid.resolution;
    const west = grid.originE + col0 * grid.resolution - around, north = grid.originN - row0 * grid.resolution + around;
    const east = west + width * grid.resolution + 2 * around, south = north - height * grid.resolution - 2 * around;
    for (let iy = Math.floor(south / side); iy * side <= north; iy++) {
      for (let ix = Math.floor(west / side); ix * side <= east; ix++) {
        const tile = tiles.numberAt(ix, iy);
        if (tile >= 0) yield { tile, box: boxOfGrid(withHalo(tiles.tileAt(tile).core, level.haloCells)) };
      }
    }
  }
  return {
    count: tiles.count,
    see(block) {
      for (const { box } of near(block)) {
        // A tile beside the grid, too, reads its rim.
        const rect = touched(grid, box, 1);
        if (rect !== null && common(rect, block) !== null) return true;
      }
      return false;
    },
    *touching(block) {
      for (const { tile, box } of near(block)) {
        const rect = touched(grid, box);
        if (rect !== null) yield { tile, rect };
      }
    },
  };
}

// Loops over an index: millions of cells, and a callback for each takes ten times as long.

const hasHole = ({ low }: HeightBounds): boolean => {
  for (let cell = 0; cell < low.length; cell++) if (Number.isNaN(low[cell])) return true;
  return false;
};

function readBounds(path: string, { col0, row0, width, height }: CellRect): HeightBounds {
  const [low, high] = readBands(path, { col0, row0, width, height });
  if (low === undefined || high === undefined) throw new Error(`${path}: bounds have the bands low, high`);
  return { width, height, low, high };
}

function write(raster: TiledRaster, { col0, row0, width, height }: CellRect, { low, high }: HeightBounds): void {
  raster.writeBlock(1, col0, row0, width, height, low);
  raster.writeBlock(2, col0, row0, width, height, high);
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

function common(a: CellRect, b: CellRect): CellRect | null {
  const col0 = Math.max(a.col0, b.col0), row0 = Math.max(a.row0, b.row0);
  const width = Math.min(a.col0 + a.width, b.col0 + b.width) - col0, height = Math.min(a.row0 + a.height, b.row0 + b.height) - row0;
  return width > 0 && height > 0 ? { col0, row0, width, height } : null;
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
