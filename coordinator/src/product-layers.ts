// SPDX-License-Identifier: Apache-2.0
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type ProductLayer, writeProductCogs } from '@altiplano/kernels/raster';
import type { GridSpec, LevelPlan } from '@altiplano/protocol';
import { offsetIn } from './ground-tiles.js';
import { type CellRect, reason } from './merge-block.js';
import type { MergedDsm } from './merge-dsm.js';
import type { Ring } from './polygon.js';
import { tilesOf } from './tile-index.js';
import type { VerticalDatum } from './vertical-datum.js';

export const layerNames: readonly ProductLayer[] = ['dsm', 'confidence', 'count', 'spread', 'validity'];

/** What the published cells hold. Heights in the products' vertical datum, metres; NaN or 0 where there are none. */
export interface LayerStatistics {
  readonly grid: GridSpec;
  /** Cells by reason: valid, noPoint, outside, dead, outsideRoi. */
  readonly reasons: readonly [number, number, number, number, number];
  readonly minHeight: number;
  readonly maxHeight: number;
  readonly meanHeight: number;
  readonly histogram: Histogram;
  readonly meanConfidence: number;
  readonly meanSpread: number;
  readonly maxSpread: number;
  readonly maxCount: number;
  readonly points: number;
}

/** Cells per bin of equal width between two heights, metres; the first and last bins also count what lies beyond. No bins = no heights. */
export interface Histogram { readonly from: number; readonly to: number; readonly bins: readonly number[] }

const fineBins = 4096;
const shownBins = 64;

export interface LayerInputs {
  readonly merged: MergedDsm;
  /** The level that was merged. */
  readonly level: LevelPlan;
  /** The part of the merged grid to publish. */
  readonly rect: CellRect;
  /** The grid of that part. */
  readonly grid: GridSpec;
  /** The grid's CRS. */
  readonly crs: string;
  readonly datum: VerticalDatum;
  /** Where pairs see ground, convex rings in the plan's CRS; an empty cell outside of all of them is called so. */
  readonly seen: readonly Ring[];
  /** The region of interest in the plan's CRS: cells whose centre is outside of it stay empty; null = none asked for. */
  readonly roi: Ring | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly scratchDir: string;
  readonly outDir: string;
}

/**
 * Writes the layers of a merged DSM as cloud-optimised GeoTIFFs <outDir>/<layer>.tif: dsm (metres), confidence (0..1) and spread
 * (metres) in float32, no-data -32768, count (uint16, points per cell), validity (uint8, `reason`). On all cores; memory: a few blocks.
 */
export function writeLayers({ merged, level, rect, grid, crs, datum, seen, roi, metadata, scratchDir, outDir }: LayerInputs): LayerStatistics {
  const horizontal = datum.crs.replace(/\+\d+$/, '');
  const classes = Object.fromEntries(Object.entries(reason).map(([name, value]) => [`CLASS_${value}`, name]));
  const layer = (name: ProductLayer, description: string, layerCrs = horizontal, more: Readonly<Record<string, string>> = {}) =>
    ({ path: join(outDir, `${name}.tif`), crs: layerCrs, description, metadata: { ...metadata, ...more } });
  // Undulations move the merge's heights into the datum's; the ends of the bins hold what is beyond anyway.
  const [from, to] = Number.isNaN(merged.minHeight) ? [0, 1] : [merged.minHeight - datum.range[1], merged.maxHeight - datum.range[0]];
  const bounds = { from, to: Math.max(to, from + 1e-3) };
  if (merged.cellsPath === null) throw new Error(`${merged.path}: heights alone can't be published`);
  const tally = writeProductCogs({
    merged: merged.path, cells: merged.cellsPath, owned: ownedCells(merged, level), rect, grid, crs, geoid: datum.geoid, roi: roi === null ? null : flat(roi), seen: seen.map(flat),
    histogram: { ...bounds, bins: fineBins }, compress: 'ZSTD', scratchDir, threads: availableParallelism(),
    layers: {
      dsm: layer('dsm', 'height, metres', datum.crs, { VERTICAL_DATUM: datum.name }),
      confidence: layer('confidence', 'confidence, 0 to 1'),
      count: layer('count', 'points'),
      spread: layer('spread', 'standard deviation of the points, metres'),
      validity: layer('validity', 'why there is no height', horizontal, classes),
    },
  });
  const [valid = 0, noPoint = 0, outside = 0, dead = 0, outsideRoi = 0] = tally.reasons;
  return {
    grid, reasons: [valid, noPoint, outside, dead, outsideRoi],
    minHeight: valid > 0 ? tally.minHeight : NaN, maxHeight: valid > 0 ? tally.maxHeight : NaN, meanHeight: tally.sumHeight / valid,
    histogram: valid > 0 ? shownHistogram(tally.bins, bounds.from, bounds.to) : { from: NaN, to: NaN, bins: [] },
    meanConfidence: tally.sumConfidence / valid, meanSpread: tally.sumSpread / valid, maxSpread: tally.maxSpread, maxCount: tally.maxCount,
    points: tally.points,
  };
}

/** By fives: the column, row, width and height of a tile's cells in the merged grid, and why those without a height have none. */
function ownedCells({ grid, emptyReasons }: MergedDsm, level: LevelPlan): Int32Array {
  const owned = new Int32Array(5 * emptyReasons.length);
  let tile = 0;
  for (const { core } of tilesOf(level)) {
    const { col0, row0 } = offsetIn(grid, core);
    owned.set([col0, row0, core.width, core.height, emptyReasons[tile] ?? reason.outside], 5 * tile++);
  }
  return owned;
}

const flat = (ring: Ring): Float64Array => Float64Array.from(ring.flat());

/** Fine bins gathered between the 0.1 and the 99.9 % quantile: a few outliers don't flatten the histogram. */
function shownHistogram(counts: Float64Array, min: number, max: number): Histogram {
  const [from, to] = [heightBelow(counts, min, max, 0.001), heightBelow(counts, min, max, 0.999)];
  const bins = Array<number>(shownBins).fill(0);
  counts.forEach((count, bin) => {
    const share = (min + ((bin + 0.5) / fineBins) * (max - min) - from) / (to - from || 1);
    const at = Math.min(shownBins - 1, Math.max(0, Math.floor(shownBins * share)));
    bins[at] = (bins[at] ?? 0) + count;
  });
  return { from, to, bins };
}

/** The upper edge of the bin that this share of the counts lies in or below. */
function heightBelow(counts: Float64Array, min: number, max: number, share: number): number {
  const wanted = share * counts.reduce((a, b) => a + b, 0);
  let sum = 0;
  const bin = counts.findIndex((count) => (sum += count) >= wanted);
  return min + ((bin + 1) / fineBins) * (max - min);
}
