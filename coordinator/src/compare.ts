// SPDX-License-Identifier: Apache-2.0
import { transformPoints, writePicture } from '@altiplano/kernels/raster';
import { InputError } from '@altiplano/protocol';
import { type HeightsOverReference, type Shift, findShift } from './coregister.js';
import { differenceMap } from './difference-map.js';
import { type DifferenceStatistics, differenceStatistics } from './statistics.js';
import { type Surface, heightAt, metresPerUnit, readSurface } from './surface.js';

/** Cells that are sampled at a time: memory for coordinates doesn't grow with the rasters. */
const cellsAtOnce = 65_536;
/** Cells that a shift is found by at most; more don't move the result. */
const shiftCells = 100_000;

/** How a DSM differs from its reference (DSM - reference), metres; NaN (JSON null) where there is nothing in common. */
export interface ComparisonStatistics extends DifferenceStatistics {
  /** Share of the scored reference cells over which the DSM has a height, and one within 1 m of the reference's. */
  readonly completeness: number;
  readonly completenessWithin1m: number;
}

export interface Comparison extends ComparisonStatistics {
  /** The same once the DSM was moved back by `shift.eastM` and `shift.northM`; its heights stay as they are. */
  readonly afterShift: ComparisonStatistics;
  /** Where the DSM lies from the reference: moving it back by these aligns both. */
  readonly shift: Shift;
  /** The difference map, or null when none was asked for, and the difference its colours end at. */
  readonly png: string | null;
}

export interface CompareInputs {
  readonly dsm: string;
  readonly reference: string;
  /** A raster in the reference's CRS; cells of the reference whose centre lies on 0 or no-data aren't scored. */
  readonly mask?: string;
  /** File to draw the differences (as measured) into. */
  readonly png?: string;
}

/**
 * Compares a DSM with a reference on the reference's cells: the DSM is resampled bilinearly to them, and not
 * at all where the grids coincide. Any two rasters GDAL opens; where their CRSs differ, cell centres are transformed.
 * Heights are compared as they are: the same vertical datum is the caller's care.
 * Throws InputError naming the file that can't be used.
 */
export function compareDsms({ dsm, reference, mask, png }: CompareInputs): Comparison {
  const target = readSurface(reference);
  const scored = scoredCells(target, mask === undefined ? null : readSurface(mask));
  if (scored.count === 0) throw new InputError(`${reference}: no cell to score${mask === undefined ? ': it has no heights' : ` under the mask ${mask}`}`);
  const heightsAt = samplerOf(readSurface(dsm), target);
  const measured = differencesAt(target, scored, heightsAt, { eastM: 0, northM: 0 });
  const statistics = statisticsOf(measured, scored.count);
  const common = evenChoice(measured, shiftCells);
  const shift = common.length === 0 ? { eastM: 0, northM: 0, heightM: NaN } : findShift(target, common, heightsAt);
  if (png !== undefined) drawMap(png, target, scored, measured, clipFor(statistics.nmad));
  const isMoved = shift.eastM !== 0 || shift.northM !== 0;
  const afterShift = isMoved ? statisticsOf(differencesAt(target, scored, heightsAt, shift), scored.count) : statistics;
  return { ...statistics, afterShift, shift, png: png ?? null };
}

/** Where the colours of a difference map end: 3 NMAD, at least half a metre; 2 m when there is nothing in common. */
export function clipFor(nmad: number): number {
  return Number.isNaN(nmad) ? 2 : Math.max(0.5, 3 * nmad);
}

function statisticsOf(differences: Float64Array, scoredCount: number): ComparisonStatistics {
  let common = 0, within = 0;
  for (let cell = 0; cell < differences.length; cell++) {
    const d = differences[cell] ?? NaN;
    if (!Number.isNaN(d)) common++;
    if (Math.abs(d) <= 1) within++;
  }
  return { completeness: common / scoredCount, completenessWithin1m: within / scoredCount, ...differenceStatistics(differences) };
}

/** DSM - reference in every cell of the reference; NaN where it isn't scored, or the DSM has no height. */
function differencesAt(target: Surface, { isScored }: ScoredCells, heightsAt: HeightsOverReference, offset: { readonly eastM: number; readonly northM: number }): Float64Array {
  const differences = new Float64Array(isScored.length).fill(NaN);
  const cells = new Int32Array(cellsAtOnce);
  for (let cell = 0; cell < isScored.length;) {
    let count = 0;
    for (; cell < isScored.length && count < cellsAtOnce; cell++) if (isScored[cell] === 1) cells[count++] = cell;
    const heights = heightsAt(offset, cells.subarray(0, count));
    for (let i = 0; i < count; i++) {
      const at = cells[i] ?? 0;
      differences[at] = (heights[i] ?? NaN) - (target.heights[at] ?? NaN);
    }
  }
  return differences;
}

/** An even choice of at most so many cells whose difference is a number. */
function evenChoice(differences: Float64Array, most: number): Int32Array {
  let common = 0;
  for (let cell = 0; cell < differences.length; cell++) if (!Number.isNaN(differences[cell])) common++;
  const stride = Math.max(1, Math.ceil(common / most));
  const chosen = new Int32Array(Math.ceil(common / stride));
  for (let cell = 0, seen = 0; cell < differences.length; cell++) {
    if (Number.isNaN(differences[cell])) continue;
    if (seen % stride === 0) chosen[seen / stride] = cell;
    seen++;
  }
  return chosen;
}

/** By the reference's cells: 1 for those that have a height and are not masked out; and how many these are. */
interface ScoredCells { readonly isScored: Uint8Array; readonly count: number }

function scoredCells(target: Surface, mask: Surface | null): ScoredCells {
  const isScored = new Uint8Array(target.width * target.height);
  let count = 0;
  for (let row = 0; row < target.height; row++) {
    for (let col = 0; col < target.width; col++) {
      const cell = row * target.width + col;
      if (Number.isNaN(target.heights[cell])) continue;
      if (mask !== null) {
        const x = Math.floor((target.x0 + (col + 0.5) * target.stepX - mask.x0) / mask.stepX);
        const y = Math.floor((target.y0 + (row + 0.5) * target.stepY - mask.y0) / mask.stepY);
        const value = x >= 0 && x < mask.width && y >= 0 && y < mask.height ? (mask.heights[y * mask.width + x] ?? NaN) : NaN;
        if (Number.isNaN(value) || value === 0) continue;
      }
      isScored[cell] = 1;
      count++;
    }
  }
  return { isScored, count };
}

/** Cells closer than this, in cells, to those of the other grid lie on them. */
const onCentre = 4e-7;

/** Samples the DSM at cell centres of the reference, moved by an offset. */
function samplerOf(dsm: Surface, target: Surface): HeightsOverReference {
  if ((dsm.crs === null) !== (target.crs === null)) {
    throw new InputError(`${dsm.crs === null ? dsm.path : target.path}: no CRS, while ${dsm.crs === null ? target.path : dsm.path} has one`);
  }
  const { east, north } = metresPerUnit(target, target.height / 2);
  const { width, stepX, stepY } = target;
  return ({ eastM, northM }, cells) => {
    const sampled = new Float64Array(cells.length);
    if (dsm.crs === target.crs) {
      const [scaleX, scaleY] = [stepX / dsm.stepX, stepY / dsm.stepY];
      const col0 = (target.x0 + eastM / east - dsm.x0) / dsm.stepX + 0.5 * scaleX - 0.5;
      const row0 = (target.y0 + northM / north - dsm.y0) / dsm.stepY + 0.5 * scaleY - 0.5;
      const [right, down] = [Math.round(col0), Math.round(row0)];
      if (scaleX === 1 && scaleY === 1 && Math.abs(col0 - right) < onCentre && Math.abs(row0 - down) < onCentre) {
        for (let i = 0; i < cells.length; i++) {
          const cell = cells[i] ?? 0;
          const row = Math.trunc(cell / width);
          const x = cell - row * width + right, y = row + down;
          sampled[i] = x >= 0 && x < dsm.width && y >= 0 && y < dsm.height ? (dsm.heights[y * dsm.width + x] ?? NaN) : NaN;
        }
        return sampled;
      }
      for (let i = 0; i < cells.length; i++) {
        const cell = cells[i] ?? 0;
        sampled[i] = heightAt(dsm, col0 + (cell % width) * scaleX, row0 + Math.floor(cell / width) * scaleY);
      }
      return sampled;
    }
    const points = new Float64Array(2 * cells.length);
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i] ?? 0;
      points[2 * i] = target.x0 + ((cell % width) + 0.5) * stepX + eastM / east;
      points[2 * i + 1] = target.y0 + (Math.floor(cell / width) + 0.5) * stepY + northM / north;
    }
    const there = transformPoints(target.crs ?? '', dsm.crs ?? '', points);
    for (let i = 0; i < cells.length; i++) {
      sampled[i] = heightAt(dsm, ((there[2 * i] ?? NaN) - dsm.x0) / dsm.stepX - 0.5, ((there[2 * i + 1] ?? NaN) - dsm.y0) / dsm.stepY - 0.5);
    }
    return sampled;
  };
}

function drawMap(path: string, { width, height }: Surface, { isScored }: ScoredCells, differences: Float64Array, clipM: number): void {
  const map = differenceMap(differences, isScored, width, height, clipM, 2048);
  writePicture(path, map.width, map.height, map.rgba);
}
