// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { type CogOptions, type TiledRaster, createTiled, makeCog, readBands } from '@altiplano/kernels/raster';
import type { GridSpec } from '@altiplano/protocol';
import { type CellRect, noHeight, reason } from './merge-block.js';
import { type MergedDsm, geotransformOf } from './merge-dsm.js';
import { type Ring, crossings, isInside } from './polygon.js';
import type { VerticalDatum } from './vertical-datum.js';

export const layerNames = ['dsm', 'confidence', 'count', 'spread', 'validity'] as const;
export type LayerName = (typeof layerNames)[number];

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

const blockCells = 512;
const fineBins = 4096;
const shownBins = 64;

export interface MergedScan {
  /** The smallest rectangle of cells that holds all heights; null when there are none. */
  readonly rect: CellRect | null;
  /** The heights that 2, 50 and 98 % of the cells lie below: where the ground is, whatever the outliers. */
  readonly heights: readonly number[];
}

/** Looks through a merged DSM before it is published. */
export function scanMerged({ path, grid, minHeight, maxHeight }: MergedDsm): MergedScan {
  const counts = new Float64Array(fineBins);
  let left = Infinity, right = -1, top = Infinity, bottom = -1;
  for (const block of blocksOf({ col0: 0, row0: 0, width: grid.width, height: grid.height })) {
    const [heights = new Float32Array(0)] = readBands(path, block);
    for (let cell = 0; cell < heights.length; cell++) {
      const height = heights[cell] ?? NaN;
      if (Number.isNaN(height)) continue;
      addTo(counts, height, minHeight, maxHeight);
      const col = block.col0 + (cell % block.width);
      const row = block.row0 + Math.floor(cell / block.width);
      left = Math.min(left, col); right = Math.max(right, col);
      top = Math.min(top, row); bottom = Math.max(bottom, row);
    }
  }
  if (right < 0) return { rect: null, heights: [] };
  return {
    rect: { col0: left, row0: top, width: right + 1 - left, height: bottom + 1 - top },
    heights: [0.02, 0.5, 0.98].map((share) => heightBelow(counts, minHeight, maxHeight, share)),
  };
}

export interface LayerInputs {
  readonly merged: MergedDsm;
  /** The part of the merged grid to publish. */
  readonly rect: CellRect;
  /** The grid of that part. */
  readonly grid: GridSpec;
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
 * Writes the layers of a merged DSM as cloud-optimised GeoTIFFs <outDir>/<layer>.tif:
 * dsm (float32, metres, no-data -32768), confidence (float32, 0..1, no-data -32768), count (uint16, points per cell),
 * spread (float32, metres, no-data -32768), validity (uint8, `reason`). Memory: one block.
 */
export function writeLayers({ merged, rect, grid, datum, seen, roi, metadata, scratchDir, outDir }: LayerInputs): LayerStatistics {
  const classes = Object.fromEntries(Object.entries(reason).map(([name, value]) => [`CLASS_${value}`, name]));
  const open = (name: LayerName, type: 'float32' | 'uint16' | 'uint8', description: string, more: Readonly<Record<string, string>> = {}): TiledRaster =>
    createTiled(join(scratchDir, `${name}.tif`), {
      width: grid.width, height: grid.height, crs: name === 'dsm' ? datum.crs : datum.crs.replace(/\+\d+$/, ''), geotransform: geotransformOf(grid), blockSize: blockCells,
      bands: [{ type, description, noData: type === 'float32' ? noHeight : null }], metadata: { ...metadata, ...more },
    });
  const files = {
    dsm: open('dsm', 'float32', 'height, metres', { VERTICAL_DATUM: datum.name }),
    confidence: open('confidence', 'float32', 'confidence, 0 to 1'),
    count: open('count', 'uint16', 'points'),
    spread: open('spread', 'float32', 'standard deviation of the points, metres'),
    validity: open('validity', 'uint8', 'why there is no height', classes),
  };
  const tally = openTally();
  try {
    for (const block of blocksOf({ col0: 0, row0: 0, width: rect.width, height: rect.height })) {
      const cells = readCells(merged.path, { ...block, col0: block.col0 + rect.col0, row0: block.row0 + rect.row0 }, datum.undulation, grid, block, { seen, roi });
      tally.add(cells);
      for (const name of layerNames) files[name].writeBlock(1, block.col0, block.row0, block.width, block.height, cells[name]);
    }
    for (const name of layerNames) files[name].close();
  } finally {
    for (const name of layerNames) files[name].discard();
  }
  for (const name of layerNames) {
    const overviewResampling: CogOptions['overviewResampling'] = name === 'validity' ? 'MODE' : 'AVERAGE';
    makeCog(join(scratchDir, `${name}.tif`), join(outDir, `${name}.tif`), { overviewResampling });
  }
  const sums = tally.finish(grid);
  return { ...sums, histogram: histogramOf(join(outDir, 'dsm.tif'), grid, sums.minHeight, sums.maxHeight) };
}

interface Cells {
  readonly dsm: Float32Array;
  readonly confidence: Float32Array;
  readonly count: Uint16Array;
  readonly spread: Float32Array;
  readonly validity: Uint8Array;
}

/** Reads a block of the merged DSM and turns it into what the layers hold. */
function readCells(path: string, source: CellRect, undulationOf: VerticalDatum['undulation'], grid: GridSpec, block: CellRect, areas: Pick<LayerInputs, 'seen' | 'roi'>): Cells {
  const [heights, confidences, counts, spreads, reasons] = readBands(path, source);
  if (heights === undefined || confidences === undefined || counts === undefined || spreads === undefined || reasons === undefined) {
    throw new Error(`${path}: a merged DSM has the bands height, confidence, count, spread, reason`);
  }
  const undulation = undulationOf(block);
  const cells: Cells = {
    dsm: heights, confidence: confidences, count: new Uint16Array(heights.length), spread: spreads, validity: new Uint8Array(heights.length),
  };
  for (let row = 0; row < block.height; row++) {
    const north = grid.originN - (block.row0 + row + 0.5) * grid.resolution;
    const seenAt = areas.seen.map((ring) => crossings(ring, north));
    const roiAt = areas.roi === null ? null : crossings(areas.roi, north);
    for (let col = 0; col < block.width; col++) {
      const cell = row * block.width + col;
      const e = grid.originE + (block.col0 + col + 0.5) * grid.resolution;
      const why = roiAt !== null && !isInside(roiAt, e) ? reason.outsideRoi : reasons[cell] ?? reason.outside;
      if (why === reason.valid) {
        cells.dsm[cell] = (heights[cell] ?? NaN) - (undulation?.[cell] ?? 0);
        cells.confidence[cell] = toStep(confidences[cell] ?? 0);
        cells.spread[cell] = toStep(spreads[cell] ?? 0);
        cells.count[cell] = Math.min(65_535, counts[cell] ?? 0);
        continue;
      }
      cells.dsm[cell] = noHeight;
      cells.confidence[cell] = noHeight;
      cells.spread[cell] = noHeight;
      const isSeen = seenAt.length === 0 || seenAt.some((at) => isInside(at, e));
      cells.validity[cell] = why === reason.noPoint && !isSeen ? reason.outside : why;
    }
  }
  return cells;
}

/** Rounded to 1/1024: more is noise, and noise doesn't compress. */
const toStep = (value: number): number => Math.round(1024 * value) / 1024;

/** Sums over all cells. */
function openTally(): { add(cells: Cells): void; finish(grid: GridSpec): Omit<LayerStatistics, 'histogram'> } {
  const reasons: [number, number, number, number, number] = [0, 0, 0, 0, 0];
  let min = Infinity, max = -Infinity, heights = 0, confidences = 0, spreads = 0, maxSpread = 0, maxCount = 0, points = 0;
  return {
    add(cells) {
      for (let cell = 0; cell < cells.dsm.length; cell++) {
        const why = cells.validity[cell] ?? reason.outside;
        reasons[why] = (reasons[why] ?? 0) + 1;
        if (why !== reason.valid) continue;
        const height = cells.dsm[cell] ?? NaN;
        min = Math.min(min, height);
        max = Math.max(max, height);
        heights += height;
        confidences += cells.confidence[cell] ?? 0;
        spreads += cells.spread[cell] ?? 0;
        maxSpread = Math.max(maxSpread, cells.spread[cell] ?? 0);
        maxCount = Math.max(maxCount, cells.count[cell] ?? 0);
        points += cells.count[cell] ?? 0;
      }
    },
    finish(grid) {
      const n = reasons[0];
      return {
        grid, reasons, minHeight: n > 0 ? min : NaN, maxHeight: n > 0 ? max : NaN, meanHeight: heights / n,
        meanConfidence: confidences / n, meanSpread: spreads / n, maxSpread, maxCount, points,
      };
    },
  };
}

/** The heights of a DSM file between the 0.1 and the 99.9 % quantile: a few outliers don't flatten it. */
function histogramOf(path: string, { width, height }: GridSpec, min: number, max: number): Histogram {
  if (Number.isNaN(min)) return { from: NaN, to: NaN, bins: [] };
  const counts = new Float64Array(fineBins);
  for (const block of blocksOf({ col0: 0, row0: 0, width, height })) {
    const [heights = new Float32Array(0)] = readBands(path, block);
    for (const value of heights) if (!Number.isNaN(value)) addTo(counts, value, min, max);
  }
  const [from, to] = [heightBelow(counts, min, max, 0.001), heightBelow(counts, min, max, 0.999)];
  const bins = Array<number>(shownBins).fill(0);
  counts.forEach((count, bin) => {
    const share = (min + ((bin + 0.5) / fineBins) * (max - min) - from) / (to - from || 1);
    const at = Math.min(shownBins - 1, Math.max(0, Math.floor(shownBins * share)));
    bins[at] = (bins[at] ?? 0) + count;
  });
  return { from, to, bins };
}

function addTo(counts: Float64Array, value: number, min: number, max: number): void {
  const bin = Math.min(fineBins - 1, Math.max(0, Math.floor((fineBins * (value - min)) / (max - min || 1))));
  counts[bin] = (counts[bin] ?? 0) + 1;
}

/** The upper edge of the bin that this share of the counts lies in or below. */
function heightBelow(counts: Float64Array, min: number, max: number, share: number): number {
  const wanted = share * counts.reduce((a, b) => a + b, 0);
  let sum = 0;
  const bin = counts.findIndex((count) => (sum += count) >= wanted);
  return min + ((bin + 1) / fineBins) * (max - min);
}

function* blocksOf(rect: CellRect): Generator<CellRect> {
  for (let row0 = rect.row0; row0 < rect.row0 + rect.height; row0 += blockCells) {
    for (let col0 = rect.col0; col0 < rect.col0 + rect.width; col0 += blockCells) {
      yield { col0, row0, width: Math.min(blockCells, rect.col0 + rect.width - col0), height: Math.min(blockCells, rect.row0 + rect.height - row0) };
    }
  }
}
