// SPDX-License-Identifier: Apache-2.0
import { TileGeometryError } from './errors.js';
import { evaluatePoly2, evaluatePoly3, fitPoly2, fitPoly3 } from './polynomial.js';
import { fitRectification, type RectifyingFit } from './rectifying-fit.js';
import { type Bounds, boundsOf, cornersOf, grow, intersect, isEmpty, pixelsOf, rectOf, windowOf } from './tile-windows.js';
import type { PixelRect, Poly2, Poly3, RectSpec } from './types.js';
import {
  type GeometryPair, type GroundBox, pairView, type PairView, type VirtualCorrespondences, virtualCorrespondences,
} from './virtual-correspondences.js';

export interface TileGeometryInput extends GeometryPair {
  /** The tile in the output CRS, metres, halo included. */
  readonly box: GroundBox;
  /** [lowest, highest], metres above the WGS84 ellipsoid. */
  readonly heightRange: readonly [number, number];
  /** Rectified pixels around what the box needs. */
  readonly marginPx: number;
}

/** How one ground tile is seen by a pair; pixels are those of the images and RPCs given (reduced at coarse levels). */
export interface TileGeometry {
  /** (u, v) -> (col, row) of the reference: a rotation, and what straightens curved epipolar lines where that is needed. */
  readonly refFromRect: Poly2;
  /** (u, v) -> (col, row) of the secondary, pointing correction included. */
  readonly secFromRect: Poly2;
  /** (u, v, d) -> (E, N, h). */
  readonly groundFromRect: Poly3;
  /** (E, N, h) -> (u, v, d). */
  readonly rectFromGround: Poly3;
  /** The reference block to match, margin included, clipped to what both images can show; 0 x 0 where that is nothing. */
  readonly rect: RectSpec;
  /** The secondary block it can match: the same rows, the columns needed over the range. */
  readonly secRect: RectSpec;
  /** Whole disparities that contain the height range over the box. */
  readonly disparityRange: readonly [number, number];
  /** Image pixels to read, those of the interpolation included, clipped to the image; null = none. */
  readonly refWindow: PixelRect | null;
  readonly secWindow: PixelRect | null;
  /** Disparity per metre of height, pixels; positive. */
  readonly pxPerMetre: number;
  readonly baseToHeight: number;
  /** Worst distance between secFromRect and the exact secondary pixel at check points, pixels. */
  readonly epipolarResidualPx: number;
  /** Worst distance between groundFromRect and the exact ground point at check points, metres. */
  readonly groundErrorM: number;
  /** From the reference's columns to the u axis, degrees, positive towards its rows. */
  readonly rotationDeg: number;
}

/** A higher degree is tried above the goals; above the limits it is an error. Metres are for pixels of up to 0.5 m. */
const residualGoalPx = 0.005;
const residualLimitPx = 0.02;
const groundGoalM = 0.002;
const groundLimitM = 0.01;
/** What an interpolation reads around a point, at most. */
const interpolationPx = 4;
/** Sampled heights span at least this, or derivatives by height drown in rounding. */
const minSampledHeightM = 40;
const minBaseToHeight = 1e-3;

/**
 * The geometry of a ground tile in a pair: the rectifying transforms of both images, and the polynomials between
 * rectified coordinates and ground, fitted to virtual correspondences: ground samples over the tile's box and
 * height range, seen through both cameras.
 *
 * u runs along the epipolar lines so that d = u_sec - u_ref grows with height; d is near 0 at the middle of the
 * height range. Where one of the images can't see the box, both windows are null and both blocks 0 x 0.
 * Throws TileGeometryError where no third-degree model is good to 0.02 px and 1 cm (of pixels larger than 0.5 m:
 * 0.02 px), or where the views don't differ. Source: de Franchis et al., "An automatic and modular stereo pipeline
 * for pushbroom images", ISPRS Annals 2014 (one affine per tile), taken to the degree the tile's size asks for.
 */
export function tileGeometry(input: TileGeometryInput): TileGeometry {
  const { box, heightRange: [low, high], marginPx } = input;
  if (!(box.maxE > box.minE && box.maxN > box.minN && high >= low)) {
    throw new TileGeometryError(`Expected a box and a height range that are not empty but received ${where(input)}`);
  }
  const first = virtualCorrespondences(input, box, sampledHeights(low, high), [5, 5, 3]);
  const maySee = (image: { readonly width: number; readonly height: number }, pixels: Float64Array): boolean =>
    !isEmpty(intersect(grow(boundsOf(pixels), marginPx + interpolationPx), pixelsOf(image)));
  if (!maySee(input.ref, first.ref) || !maySee(input.sec, first.sec)) return seesNothing();
  const view = pairView(first);
  if (!(view.baseToHeight >= minBaseToHeight)) {
    throw new TileGeometryError(`The views do not differ enough: base to height ${view.baseToHeight} in ${where(input)}`);
  }

  // Samples reach over the margin too: its pixels are rectified and matched like the others.
  const marginM = (marginPx + interpolationPx) * view.pixelM;
  const grown = { minE: box.minE - marginM, minN: box.minN - marginM, maxE: box.maxE + marginM, maxN: box.maxN + marginM };
  const samples = virtualCorrespondences(input, grown, sampledHeights(low, high), [9, 9, 7]);
  const checks = virtualCorrespondences(input, grown, sampledHeights(low, high), [8, 8, 6], true);
  const rectification = bestRectification(samples, checks, view);
  const ground = bestGround(rectification.fit, samples, checks, groundUnit(view));

  // What the box itself needs, and what of that the images can show.
  const needed = evaluatePoly3(ground.rectFromGround, virtualCorrespondences(input, box, [low, high], [9, 9, 7]).ground);
  const disparities = needed.filter((_, i) => i % 3 === 2);
  const disparityRange: readonly [number, number] = [Math.floor(Math.min(...disparities)) - 1, Math.ceil(Math.max(...disparities)) + 1];
  const rectOfCorrespondence = rectification.fit.rectOf(samples);
  const refShows = shownBounds(input.ref, samples.ref, pairsOf(rectOfCorrespondence, 0));
  const secShows = shownBounds(input.sec, samples.sec, pairsOf(rectOfCorrespondence, 1));
  const rect = rectOf(intersect(
    grow(boundsOf(needed, 3), marginPx),
    intersect(refShows, { low: [secShows.low[0] - disparityRange[1], secShows.low[1]], high: [secShows.high[0] - disparityRange[0], secShows.high[1]] }),
  ));
  const secRect = { ...rect, ...columnsOf(rect, disparityRange, secShows) };
  const { refFromRect, secFromRect } = rectification.fit;
  const refWindow = rect.width > 0 && secRect.width > 0 ? windowOf(refFromRect, rect, input.ref, interpolationPx) : null;
  const secWindow = rect.width > 0 && secRect.width > 0 ? windowOf(secFromRect, secRect, input.sec, interpolationPx) : null;
  if (refWindow === null || secWindow === null) return seesNothing();
  if (!(rectification.residualPx <= residualLimitPx && ground.errorM <= groundLimitM * groundUnit(view))) {
    throw new TileGeometryError(
      `No third-degree model fits the cameras: rectification errs by ${rectification.residualPx} px, ground by ${ground.errorM} m, in ${where(input)}`,
    );
  }
  return {
    refFromRect, secFromRect, groundFromRect: ground.groundFromRect, rectFromGround: ground.rectFromGround,
    rect, secRect, disparityRange, refWindow, secWindow,
    pxPerMetre: view.pxPerMetre, baseToHeight: view.baseToHeight,
    epipolarResidualPx: rectification.residualPx, groundErrorM: ground.errorM,
    rotationDeg: (Math.atan2(view.axis[1], view.axis[0]) * 180) / Math.PI,
  };
}

/** The first fit that meets the goal, else the best one. */
function bestRectification(
  samples: VirtualCorrespondences, checks: VirtualCorrespondences, view: PairView,
): { readonly fit: RectifyingFit; readonly residualPx: number } {
  const middle: readonly [number, number] = [3 * 81, 4 * 81];
  const attempts = ([[1, 2], [2, 2], [3, 3]] as const).values();
  let best: { readonly fit: RectifyingFit; readonly residualPx: number } | null = null;
  for (const [bend, secDegree] of attempts) {
    const fit = fitRectification(samples, middle, view.axis, bend, secDegree);
    const residualPx = worstDistance(evaluatePoly2(fit.secFromRect, pairsOf(fit.rectOf(checks), 1)), checks.sec, 2);
    if (best === null || !(residualPx >= best.residualPx)) best = { fit, residualPx };
    if (best.residualPx <= residualGoalPx) break;
  }
  if (best === null) throw new TileGeometryError('No rectification was tried');
  return best;
}

function bestGround(
  fit: RectifyingFit, samples: VirtualCorrespondences, checks: VirtualCorrespondences, unit: number,
): { readonly groundFromRect: Poly3; readonly rectFromGround: Poly3; readonly errorM: number } {
  const [rect, checkRect] = [fit.rectOf(samples), fit.rectOf(checks)];
  const attempt = (degree: 2 | 3): { readonly groundFromRect: Poly3; readonly rectFromGround: Poly3; readonly errorM: number } => {
    const groundFromRect = fitPoly3(degree, rect, samples.ground);
    const errorM = worstDistance(evaluatePoly3(groundFromRect, checkRect), checks.ground, 3);
    return { groundFromRect, rectFromGround: fitPoly3(degree, samples.ground, rect), errorM };
  };
  const second = attempt(2);
  return second.errorM <= groundGoalM * unit ? second : attempt(3);
}

/** The rectified bounds of the image's part that is near the tile. */
function shownBounds(image: { readonly width: number; readonly height: number }, pixels: Float64Array, rectPairs: Float64Array): Bounds {
  const near = intersect(pixelsOf(image), boundsOf(pixels));
  if (isEmpty(near)) return near;
  // An affine is good to a pixel or two here; two pixels more than needed are harmless.
  return grow(boundsOf(evaluatePoly2(fitPoly2(1, pixels, rectPairs), cornersOf(near))), 2);
}

function columnsOf(rect: RectSpec, [dMin, dMax]: readonly [number, number], shows: Bounds): { readonly u0: number; readonly width: number } {
  const u0 = Math.max(rect.u0 + dMin, Math.floor(shows.low[0]));
  const last = Math.min(rect.u0 + rect.width - 1 + dMax, Math.ceil(shows.high[0]));
  return { u0, width: Math.max(0, last - u0 + 1) };
}

/** (u, v) of triples (u, v, d), in the reference (0) or the secondary (1). */
function pairsOf(rectTriples: Float64Array, side: 0 | 1): Float64Array {
  const out = new Float64Array((rectTriples.length / 3) * 2);
  for (let i = 0; 3 * i < rectTriples.length; i++) {
    const [u = Number.NaN, v = Number.NaN, d = Number.NaN] = rectTriples.subarray(3 * i, 3 * i + 3);
    out.set([u + side * d, v], 2 * i);
  }
  return out;
}

function worstDistance(a: Float64Array, b: Float64Array, dimensions: 2 | 3): number {
  let worst = 0;
  for (let i = 0; i < a.length; i += dimensions) {
    let squares = 0;
    for (let k = i; k < i + dimensions; k++) squares += ((a[k] ?? Number.NaN) - (b[k] ?? Number.NaN)) ** 2;
    // NaN counts as worst, and stays.
    if (!(squares <= worst)) worst = squares;
  }
  return Math.sqrt(worst);
}

function sampledHeights(low: number, high: number): readonly [number, number] {
  const slack = Math.max(0, minSampledHeightM - (high - low)) / 2;
  return [low - slack, high + slack];
}

function groundUnit({ pixelM }: PairView): number {
  return Math.max(1, pixelM / 0.5);
}

function where({ box, heightRange }: TileGeometryInput): string {
  return `E ${box.minE}..${box.maxE}, N ${box.minN}..${box.maxN}, heights ${heightRange.join('..')} m`;
}

function seesNothing(): TileGeometry {
  const nothing = Float64Array.of(Number.NaN, 0, 0);
  const none = Float64Array.of(Number.NaN, 0, 0, 0);
  const poly2: Poly2 = { degree: 1, uOff: 0, uScale: 1, vOff: 0, vScale: 1, first: nothing, second: nothing };
  const poly3: Poly3 = {
    degree: 1, off: new Float64Array(3), scale: new Float64Array(3).fill(1), outOff: new Float64Array(3), coefficients: [none, none, none],
  };
  const block = { u0: 0, v0: 0, width: 0, height: 0 };
  return {
    refFromRect: poly2, secFromRect: poly2, groundFromRect: poly3, rectFromGround: poly3, rect: block, secRect: block,
    disparityRange: [0, 0], refWindow: null, secWindow: null, pxPerMetre: Number.NaN, baseToHeight: Number.NaN,
    epipolarResidualPx: Number.NaN, groundErrorM: Number.NaN, rotationDeg: Number.NaN,
  };
}
