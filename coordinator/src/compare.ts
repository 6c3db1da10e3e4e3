// SPDX-License-Identifier: Apache-2.0
import { transformPoints, writePicture } from '@altiplano/kernels/raster';
import { InputError } from '@altiplano/protocol';
import { type HeightsOverReference, type Shift, findShift } from './coregister.js';
import { differenceMap } from './difference-map.js';
import { type DifferenceStatistics, differenceStatistics } from './statistics.js';
import { type Surface, heightAt, metresPerUnit, readSurface } from './surface.js';

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
  if (scored.length === 0) throw new InputError(`${reference}: no cell to score${mask === undefined ? ': it has no heights' : ` under the mask ${mask}`}`);
  const heightsAt = samplerOf(readSurface(dsm), target);
  const differencesAt = (eastM: number, northM: number): Float64Array =>
    heightsAt({ eastM, northM }, scored).map((height, i) => height - (target.heights[scored[i] ?? -1] ?? NaN));

  const measured = differencesAt(0, 0);
  const statistics = statisticsOf(measured);
  const common = cellsWithNumbers(scored, measured);
  const shift = common.length === 0 ? { eastM: 0, northM: 0, heightM: NaN } : findShift(target, common, heightsAt);
  if (png !== undefined) drawMap(png, target, scored, measured, clipFor(statistics.nmad));
  return { ...statistics, afterShift: statisticsOf(differencesAt(shift.eastM, shift.northM)), shift, png: png ?? null };
}

/** Where the colours of a difference map end: 3 NMAD, at least half a metre; 2 m when there is nothing in common. */
export function clipFor(nmad: number): number {
  return Number.isNaN(nmad) ? 2 : Math.max(0.5, 3 * nmad);
}

function statisticsOf(differences: Float64Array): ComparisonStatistics {
  const common = numbersOf(differences);
  const within = common.reduce((count, d) => count + (Math.abs(d) <= 1 ? 1 : 0), 0);
  return {
    completeness: common.length / differences.length, completenessWithin1m: within / differences.length, ...differenceStatistics(common),
  };
}

// Not by a typed array's own filter: that gathers what it keeps in a list, which ends the process beyond 112 million values, and a DSM of 6 x 6 km has more.

/** The differences that are numbers. */
function numbersOf(differences: Float64Array): Float64Array {
  const kept = new Float64Array(differences.length);
  let count = 0;
  for (const d of differences) if (!Number.isNaN(d)) kept[count++] = d;
  return kept.subarray(0, count);
}

/** The cells whose difference is a number. */
function cellsWithNumbers(cells: Int32Array, differences: Float64Array): Int32Array {
  const kept = new Int32Array(cells.length);
  let count = 0;
  for (let i = 0; i < cells.length; i++) if (!Number.isNaN(differences[i])) kept[count++] = cells[i] ?? -1;
  return kept.subarray(0, count);
}

/** Indices of the reference's cells that have a height and are not masked out. */
function scoredCells(target: Surface, mask: Surface | null): Int32Array {
  const cells = new Int32Array(target.width * target.height);
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
      cells[count++] = cell;
    }
  }
  return cells.subarray(0, count);
}

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

function drawMap(path: string, target: Surface, scored: Int32Array, differences: Float64Array, clipM: number): void {
  const drawn = new Float32Array(target.heights.length).fill(NaN);
  const seen = new Uint8Array(target.heights.length);
  for (let i = 0; i < scored.length; i++) {
    drawn[scored[i] ?? -1] = differences[i] ?? NaN;
    seen[scored[i] ?? -1] = 1;
  }
  const map = differenceMap(drawn, seen, target.width, target.height, clipM, 2048);
  writePicture(path, map.width, map.height, map.rgba);
}
