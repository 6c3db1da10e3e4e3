// SPDX-License-Identifier: Apache-2.0
import type { RpcModel } from '@altiplano/kernels';
import { type Affine, identityAffine } from '@altiplano/protocol';
import { robustFit } from './robust-fit.js';

export interface PointingInput {
  readonly pairId: string;
  readonly refRpc: RpcModel;
  readonly secRpc: RpcModel;
  readonly secSize: { readonly width: number; readonly height: number };
  /** Column and row in the reference, column and row in the secondary, score: of all align windows. */
  readonly matches: readonly (readonly [number, number, number, number, number])[];
  readonly heightRange: readonly [number, number];
}

/** kernels' rpcProject and rpcLocalize. */
export interface Cameras {
  readonly rpcProject: (model: RpcModel, lonLatAlt: Float64Array) => Float64Array;
  readonly rpcLocalize: (model: RpcModel, colRowAlt: Float64Array) => Float64Array;
}

export interface Pointing {
  readonly pairId: string;
  /** 'none': too few matches agree, `correction` is the identity and `reason` says why. */
  readonly model: 'shift' | 'affine' | 'none';
  readonly reason: string | null;
  /** True secondary position = correction applied to the RPC's. */
  readonly correction: Affine;
  /**
   * The correction at the secondary's centre, pixels, along the normal of its epipolar lines: their direction of growing
   * height turned from the columns' axis towards the rows' by 90 degrees.
   */
  readonly correctionPx: number;
  /** Distances of the inliers from their epipolar lines: median before, median and RMS after the correction, pixels. */
  readonly medianPx: number;
  readonly medianAfterPx: number;
  readonly rmsPx: number;
  readonly inliers: number;
  readonly matches: number;
}

/** Fewer agreeing matches than this don't make a correction. */
const minInliers = 10;
/** An affine correction needs this many, and a standard deviation of their positions of this share of the image on both axes. */
const minAffineInliers = 60;
const minAffineSpread = 0.15;
/** Smaller changes over the image are left alone: matches of one place have a bias of that size in common. */
const minAffinePx = 0.1;
/** The least noise assumed: errors of matches below this are not told apart. */
const noiseFloorPx = 0.05;
/** Matches that agree do so within a fraction of a pixel. */
const maxRmsPx = 1;

/**
 * The pointing correction of a pair from the matches of its align windows. Across the epipolar lines a match shows the
 * pointing error; along them it can't be told from height. So the signed distances of the matches from the epipolar curves of
 * their reference pixels are fitted robustly by a constant, or by an affine function of the secondary's pixels where
 * matches are many, well spread, and clearly ask for it; the correction moves the secondary along the mean normal by that.
 * Gross errors may be more than half of the matches. Deterministic.
 *
 * Matches whose height (where they lie along the curve) is outside `heightRange` are dropped.
 */
export function solvePointing(input: PointingInput, cameras: Cameras): Pointing {
  const { pairId, secSize, matches } = input;
  const none = (reason: string, inliers: number): Pointing => ({
    pairId, model: 'none', reason, correction: identityAffine, correctionPx: 0, medianPx: NaN, medianAfterPx: NaN, rmsPx: NaN,
    inliers, matches: matches.length,
  });
  if (matches.length < minInliers) return none(`${matches.length} matches, ${minInliers} are needed`, 0);
  const { distances, normal } = epipolarDistances(input, cameras);
  if (distances.length < minInliers) {
    return none(`${distances.length} of ${matches.length} matches lie in the height range, ${minInliers} are needed`, distances.length);
  }

  const x = (col: number): number => (2 * col) / secSize.width - 1;
  const y = (row: number): number => (2 * row) / secSize.height - 1;
  const values = distances.map(({ distance }) => distance);
  const shift = robustFit(distances.map(() => [1]), values, noiseFloorPx);
  const affine = robustFit(distances.map(({ col, row }) => [1, x(col), y(row)]), values, noiseFloorPx);
  const inlying = distances.filter((_, i) => affine.inlier[i] === true);
  const isAffine = affine.inliers >= minAffineInliers
    && deviation(inlying.map(({ col }) => col / secSize.width)) >= minAffineSpread
    && deviation(inlying.map(({ row }) => row / secSize.height)) >= minAffineSpread
    && Math.abs(affine.coefficients[1] ?? 0) + Math.abs(affine.coefficients[2] ?? 0) >= minAffinePx
    && explainsMore(affine, shift);
  const fit = isAffine ? affine : shift;
  if (fit.inliers < minInliers) return none(`${fit.inliers} of ${matches.length} matches agree, ${minInliers} are needed`, fit.inliers);

  const inliers = <T>(all: readonly T[]): readonly T[] => all.filter((_, i) => fit.inlier[i] === true);
  const after = inliers(fit.residuals);
  const rmsPx = Math.sqrt(after.reduce((sum, r) => sum + r * r, 0) / after.length);
  if (rmsPx > maxRmsPx) return none(`no ${minInliers} of ${matches.length} matches agree: the best scatter by ${rmsPx.toFixed(1)} px`, 0);

  const [atCentre = 0, byX = 0, byY = 0] = fit.coefficients;
  const perCol = (2 * byX) / secSize.width;
  const perRow = (2 * byY) / secSize.height;
  const atOrigin = atCentre - byX - byY;
  const [nCol, nRow] = normal;
  return {
    pairId, model: isAffine ? 'affine' : 'shift', reason: null,
    correction: {
      col: [nCol * atOrigin, 1 + nCol * perCol, nCol * perRow],
      row: [nRow * atOrigin, nRow * perCol, 1 + nRow * perRow],
    },
    correctionPx: atCentre,
    medianPx: median(inliers(values).map(Math.abs)),
    medianAfterPx: median(after.map(Math.abs)),
    rmsPx,
    inliers: fit.inliers, matches: matches.length,
  };
}

interface EpipolarDistance { readonly col: number; readonly row: number; readonly distance: number }

/**
 * Signed distance of each match from the epipolar curve of its reference pixel, along the mean normal of the curves:
 * Newton's method for the height at which the curve comes nearest to the match.
 */
function epipolarDistances(
  { refRpc, secRpc, matches, heightRange: [low, high] }: PointingInput, { rpcProject, rpcLocalize }: Cameras,
): { readonly distances: readonly EpipolarDistance[]; readonly normal: readonly [number, number] } {
  const pixels = new Float64Array(3 * matches.length);
  const points = new Float64Array(3 * matches.length);
  const project = (heights: readonly number[]): Float64Array => {
    matches.forEach(([col, row], i) => { pixels.set([col, row, heights[i] ?? NaN], 3 * i); });
    const lonLat = rpcLocalize(refRpc, pixels);
    heights.forEach((h, i) => { points.set([lonLat[2 * i] ?? NaN, lonLat[2 * i + 1] ?? NaN, h], 3 * i); });
    return rpcProject(secRpc, points);
  };
  const stepM = Math.max(1, (high - low) / 20);
  let heights: readonly number[] = matches.map(() => (low + high) / 2);
  let above = project(heights.map((h) => h + stepM));
  let below = project(heights.map((h) => h - stepM));
  let nearest: readonly { readonly toCol: number; readonly toRow: number; readonly direction: readonly [number, number] }[] = [];
  // Curves are so nearly straight that the second step already moves by less than a thousandth of a pixel.
  for (let step = 0; step < 3; step += 1) {
    const here = project(heights);
    nearest = matches.map(([, , col, row], i) => {
      const slope = (k: number): number => ((above[2 * i + k] ?? NaN) - (below[2 * i + k] ?? NaN)) / (2 * stepM);
      return { toCol: col - (here[2 * i] ?? NaN), toRow: row - (here[2 * i + 1] ?? NaN), direction: [slope(0), slope(1)] };
    });
    if (step === 2) break;
    heights = heights.map((h, i) => {
      const at = nearest[i];
      if (at === undefined) return NaN;
      const { toCol, toRow, direction: [dc, dr] } = at;
      return h + (toCol * dc + toRow * dr) / (dc * dc + dr * dr);
    });
    // After the first step heights are right to a pixel or so: their slopes are the ones to keep.
    if (step === 0) {
      above = project(heights.map((h) => h + stepM));
      below = project(heights.map((h) => h - stepM));
    }
  }
  const usable = nearest.map(({ toCol, toRow, direction }, i) => {
    const height = heights[i] ?? NaN;
    return height >= low && height <= high && Number.isFinite(toCol + toRow + direction[0] + direction[1]);
  });
  let [sumCol, sumRow] = [0, 0];
  nearest.forEach(({ direction: [dc, dr] }, i) => {
    if (usable[i] !== true) return;
    sumCol += dc; sumRow += dr;
  });
  const length = Math.hypot(sumCol, sumRow);
  const normal: readonly [number, number] = length > 0 ? [-sumRow / length, sumCol / length] : [0, 0];
  const distances = matches.flatMap(([, , col, row], i) => {
    const at = nearest[i];
    if (at === undefined || usable[i] !== true) return [];
    const { toCol, toRow, direction: [dc, dr] } = at;
    // The point of the curve's tangent that the mean normal through the match meets.
    const distance = (toRow * dc - toCol * dr) / (normal[1] * dc - normal[0] * dr);
    return [{ col, row, distance }];
  });
  return { distances, normal };
}

/**
 * Whether the affine earns its two parameters: it takes in many more matches, or it explains the same ones much better
 * (Schwarz's criterion, doubled: errors of neighbouring matches aren't independent).
 */
function explainsMore(affine: ReturnType<typeof robustFit>, shift: ReturnType<typeof robustFit>): boolean {
  if (affine.inliers > 1.15 * shift.inliers) return true;
  const squares = (fit: ReturnType<typeof robustFit>): number =>
    fit.residuals.reduce((sum, r, i) => sum + (affine.inlier[i] === true ? r * r : 0), 0);
  const n = affine.inliers;
  const floor = n * (noiseFloorPx / 2) ** 2;
  return n * Math.log((squares(shift) + floor) / (squares(affine) + floor)) > 4 * Math.log(n);
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[half] ?? NaN) : ((sorted[half - 1] ?? NaN) + (sorted[half] ?? NaN)) / 2;
}
