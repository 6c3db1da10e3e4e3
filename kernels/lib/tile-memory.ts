// SPDX-License-Identifier: Apache-2.0
import { matchKeptBytes, matchMemoryBytes } from './match.js';

interface Area { readonly width: number; readonly height: number }

/** What the memory of a stereo tile depends on. */
export interface TileShape {
  /** The rectified blocks, pixels. */
  readonly rect: Area;
  readonly secRect: Area;
  /** The image windows they are resampled from, pixels. */
  readonly windows: readonly Area[];
  /** The tile's grid, halo included, cells. */
  readonly grid: Area;
  /** Candidates per pixel; where they are known, of each row's pixels, too (SearchRange). */
  readonly count: number;
  readonly rowCounts?: Uint16Array | null;
}

const area = ({ width, height }: Area): number => width * height;

/**
 * Bytes a stereo tile holds at its fullest moment, the process itself left out, if each stage's input is released after it, and
 * what matching keeps is of this tile's size (or of an earlier one that needed more). Matching and rasterizing are about as full.
 */
export function tileMemoryBytes({ rect, secRect, windows, grid, count, rowCounts = null }: TileShape): number {
  const pixels = area(rect);
  const cells = area(grid);
  const kept = matchKeptBytes(rect.width, rect.height, count, secRect.width, rowCounts);
  const images = (4 + 1) * (pixels + area(secRect));
  const range = 2 * pixels;
  const map = (4 + 2 + 4) * pixels;
  const points = (16 + 4) * (pixels + 128 * grid.height); // each in its row of cells, where matching had its volume; those outside of the grid are left out
  const dsm = (4 + 4 + 4 + 2) * cells;
  return Math.max(
    kept + windows.reduce((sum, window) => sum + (4 + 1) * area(window), 0) + images + range,
    images + range + matchMemoryBytes(rect.width, rect.height, count, secRect.width, rowCounts),
    Math.max(kept, points) + map + dsm, // writing needs less: what is written goes to the file strip by strip
  );
}
