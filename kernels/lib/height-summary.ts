// SPDX-License-Identifier: Apache-2.0
import type { MergedBlock } from './merge-block.js';
import { loadNative } from './native.js';
import type { PixelRect } from './types.js';

/** What a merged DSM holds. */
export interface HeightSummary {
  readonly validCells: number;
  /** Metres; NaN when there is no valid cell. */
  readonly minHeight: number;
  readonly maxHeight: number;
  /** The smallest rectangle of cells that holds all heights; null when there are none. */
  readonly rect: PixelRect | null;
  /** The heights that 2, 50 and 98 % of the cells lie below, to 1/4 m: where the ground is, whatever the outliers. None without heights. */
  readonly typicalHeights: readonly number[];
}

const native = loadNative<{
  summarizeHeights(block: MergedBlock, size: PixelRect, bins: { readonly from: number; readonly perMetre: number; readonly counts: Uint32Array }): {
    readonly valid: number; readonly min: number; readonly max: number;
    readonly left: number; readonly top: number; readonly right: number; readonly bottom: number;
  };
}>();

/** All heights on Earth fit, and memory doesn't depend on the scene. */
const bins = { from: -1024, perMetre: 4, size: 44 * 1024 };

/** Gathers what the blocks of a DSM hold; the order in which they are added doesn't matter. `at`: where the block lies. */
export function openHeightSummary(): { add(block: MergedBlock, at: PixelRect): void; finish(): HeightSummary } {
  const { from, perMetre } = bins;
  const totals = new Float64Array(bins.size);
  const counts = new Uint32Array(bins.size);
  let validCells = 0, min = Infinity, max = -Infinity, left = Infinity, top = Infinity, right = -1, bottom = -1;
  return {
    add(block, at) {
      const part = native.summarizeHeights(block, at, { from, perMetre, counts: counts.fill(0) });
      if (part.valid === 0) return;
      validCells += part.valid;
      min = Math.min(min, part.min); max = Math.max(max, part.max);
      left = Math.min(left, at.col0 + part.left); right = Math.max(right, at.col0 + part.right);
      top = Math.min(top, at.row0 + part.top); bottom = Math.max(bottom, at.row0 + part.bottom);
      for (let bin = 0; bin < totals.length; bin++) totals[bin] = (totals[bin] ?? 0) + (counts[bin] ?? 0);
    },
    finish() {
      if (validCells === 0) return { validCells, minHeight: NaN, maxHeight: NaN, rect: null, typicalHeights: [] };
      const heightBelow = (share: number): number => {
        let sum = 0;
        const bin = totals.findIndex((count) => (sum += count) >= share * validCells);
        return Math.min(max, Math.max(min, from + (bin + 1) / perMetre));
      };
      return {
        validCells, minHeight: min, maxHeight: max, rect: { col0: left, row0: top, width: right + 1 - left, height: bottom + 1 - top },
        typicalHeights: [0.02, 0.5, 0.98].map(heightBelow),
      };
    },
  };
}
