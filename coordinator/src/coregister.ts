// SPDX-License-Identifier: Apache-2.0
import { quantile } from './statistics.js';
import { type Surface, metresPerUnit } from './surface.js';

/** How far a DSM lies east and north of, and above, its reference, metres. */
export interface Shift { readonly eastM: number; readonly northM: number; readonly heightM: number }

/** Height of the DSM over each cell of the reference once the DSM was moved back by an offset; NaN = none. */
export type HeightsOverReference = (offset: { readonly eastM: number; readonly northM: number }, cells: Int32Array) => Float64Array;

const maxIterations = 25;
/** A shift has to bring the differences' NMAD below this share of what it was. */
const clearly = 0.99;
/** Steeper cells (60 degrees) are walls: where they stand is a matter of matching, not of position. */
const maxSlope = Math.tan(Math.PI / 3);

/**
 * Finds the shift of a DSM against its reference from the slopes: Nuth and Kaeaeb, The Cryosphere 5, 2011, eq. 2 to 4,
 *   dh / tan(slope) = a cos(b - aspect) + c,
 * here times tan(slope), which is the same model with flat cells weighing as little as they know: with the gradient g of the
 * reference, dh = -(eastM g_E + northM g_N) + heightM. Least squares over cells within 3 NMAD, repeated on the DSM moved back
 * until it moves by less than 1/1000 of a cell. Where the ground has no slopes to tell, or moving does not bring the differences
 * clearly closer together, east and north are 0: among flat roofs the only slopes are those beside walls, and what
 * occlusion leaves there, always on the same side, looks like a shift. `heightM` is the median difference that remains.
 */
export function findShift(reference: Surface, common: Int32Array, heightsAt: HeightsOverReference): Shift {
  const slopes = slopesOf(reference, common);
  const { cells } = slopes;
  const differencesAt = (eastM: number, northM: number): Float64Array =>
    heightsAt({ eastM, northM }, cells).map((height, i) => height - (reference.heights[cells[i] ?? -1] ?? NaN));

  const before = differencesAt(0, 0);
  let eastM = 0, northM = 0;
  let differences = before;
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    const step = fitShift(slopes, differences);
    if (step === null) return { eastM: 0, northM: 0, heightM: medianOf(before) };
    eastM += step.eastM;
    northM += step.northM;
    differences = differencesAt(eastM, northM);
    if (Math.hypot(step.eastM, step.northM) < 0.001 * slopes.cellM) break;
  }
  const isBetter = medianAndNmad(differences).nmad < clearly * medianAndNmad(before).nmad;
  return isBetter ? { eastM, northM, heightM: medianOf(differences) } : { eastM: 0, northM: 0, heightM: medianOf(before) };
}

interface Slopes {
  readonly cells: Int32Array;
  /** Metres of height per metre eastward and northward. */
  readonly east: Float64Array;
  readonly north: Float64Array;
  readonly cellM: number;
}

/** Gradients of the reference by central differences, on the cells that have them. */
function slopesOf(reference: Surface, candidates: Int32Array): Slopes {
  const { width, height, heights, stepX, stepY } = reference;
  const cells: number[] = [], east: number[] = [], north: number[] = [];
  const middle = metresPerUnit(reference, height / 2);
  for (const cell of candidates) {
    const col = cell % width;
    if (col === 0 || col === width - 1 || cell < width || cell >= width * (height - 1)) continue;
    const slopeEast = ((heights[cell + 1] ?? NaN) - (heights[cell - 1] ?? NaN)) / (2 * stepX * middle.east);
    const slopeNorth = ((heights[cell + width] ?? NaN) - (heights[cell - width] ?? NaN)) / (2 * stepY * middle.north);
    if (!(Math.hypot(slopeEast, slopeNorth) <= maxSlope)) continue;
    cells.push(cell);
    east.push(slopeEast);
    north.push(slopeNorth);
  }
  const cellM = Math.min(stepX * middle.east, -stepY * middle.north);
  return { cells: Int32Array.from(cells), east: Float64Array.from(east), north: Float64Array.from(north), cellM };
}

/** One least-squares step, outliers dropped by the fit before; null where the slopes don't determine a position. */
function fitShift(slopes: Slopes, differences: Float64Array): Shift | null {
  let residuals = differences;
  let fit: Shift | null = null;
  for (let round = 0; round < 3; round++) {
    const { median, nmad } = medianAndNmad(residuals);
    const limit = 3 * Math.max(nmad, 1e-6);
    const used = residuals.map((residual) => (Math.abs(residual - median) <= limit ? 1 : 0));
    fit = solve(slopes, differences, used);
    if (fit === null) return null;
    const { eastM, northM, heightM } = fit;
    residuals = differences.map((d, i) => d + eastM * (slopes.east[i] ?? 0) + northM * (slopes.north[i] ?? 0) - heightM);
  }
  return fit;
}

function solve({ east, north }: Slopes, differences: Float64Array, used: Float64Array): Shift | null {
  let n = 0, sumE = 0, sumN = 0, sumD = 0;
  for (let i = 0; i < used.length; i++) {
    if (used[i] !== 1) continue;
    n++;
    sumE += east[i] ?? 0;
    sumN += north[i] ?? 0;
    sumD += differences[i] ?? 0;
  }
  const [meanE, meanN, meanD] = [sumE / n, sumN / n, sumD / n];
  let ee = 0, en = 0, nn = 0, ed = 0, nd = 0;
  for (let i = 0; i < used.length; i++) {
    if (used[i] !== 1) continue;
    const e = (east[i] ?? 0) - meanE;
    const m = (north[i] ?? 0) - meanN;
    const d = (differences[i] ?? 0) - meanD;
    ee += e * e; en += e * m; nn += m * m; ed += e * d; nd += m * d;
  }
  const determinant = ee * nn - en * en;
  // Slopes in one direction only, or none: the plane slides along itself.
  if (!(n >= 10 && determinant > 1e-6 * ee * nn && ee > 1e-9 * n && nn > 1e-9 * n)) return null;
  const eastM = -(ed * nn - nd * en) / determinant;
  const northM = -(nd * ee - ed * en) / determinant;
  return { eastM, northM, heightM: meanD + eastM * meanE + northM * meanN };
}

function medianOf(values: Float64Array): number {
  return quantile(values.filter((value) => !Number.isNaN(value)).sort(), 0.5);
}

/** Median and NMAD of the values that aren't NaN, from an even choice of at most 20,000 of them. */
function medianAndNmad(values: Float64Array): { median: number; nmad: number } {
  const stride = Math.ceil(values.length / 20_000);
  const sorted = values.filter((value, i) => i % stride === 0 && !Number.isNaN(value)).sort();
  const median = quantile(sorted, 0.5);
  return { median, nmad: 1.4826 * quantile(sorted.map((value) => Math.abs(value - median)).sort(), 0.5) };
}
