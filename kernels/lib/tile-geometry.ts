// SPDX-License-Identifier: Apache-2.0
import { TileGeometryError } from './errors.js';
import { evaluatePoly2, evaluatePoly3, fitPoly2 } from './polynomial.js';
import { type BlockRows, convexHull, type ConvexPolygon, dilate, extentsOf, moved, rowSpans, spansOf, trimmed } from './row-extents.js';
import { shownGround } from './shown-ground.js';
import { bestGround, bestRectification, pairsOf } from './tile-fits.js';
import {
  boundsOf,
  cornersOf,
  grow,
  intersect,
  isEmpty,
  pixelRectOf,
  pixelsOf,
  rectOf,
  windowOf,
} from './tile-windows.js';
import type { PixelRect, Poly2, Poly3, RectSpec, RowExtents } from './types.js';
import { type GeometryPair, type GroundBox, pairView, virtualCorrespondences } from './virtual-correspondences.js';

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
  /** What the box needs of it, margin included: the turned box, swept over the heights, within what both images can show. */
  readonly extents: RowExtents;
  /** The secondary block it can match: the same rows, the columns needed over the range. */
  readonly secRect: RectSpec;
  /** What `extents` can match of it. */
  readonly secExtents: RowExtents;
  /** Whole disparities that contain the height range over the box. */
  readonly disparityRange: readonly [number, number];
  /** Image pixels to read, those of the interpolation included, clipped to the image; null = it does not see the box. */
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

/**
 * A worse model is an error. Along the rows, where errors would pass for disparity; and across them: two pushbroom
 * images of a shaking platform have no rows in common to better than some hundredths of a pixel over 1 km and 1000 m of
 * height, whatever the degree (seen up to 0.065), and matching does not feel a tenth.
 */
const alongLimitPx = 0.02;
const residualLimitPx = 0.1;
/** Of pixels of up to 0.5 m; of larger ones in proportion. */
const groundLimitM = 0.03;
/** Height of this disparity, if that is more: what matching can't tell apart. */
const groundLimitPx = 0.01;
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
 * height range. Where an image can't see the box its window is null, where both see different parts of it the
 * secondary's is; both blocks are 0 x 0 then, and the rest says nothing.
 * Throws TileGeometryError where the views don't differ, or no third-degree model is good to 0.02 px along the rows,
 * 0.1 px across, and on the ground to 3 cm (pixels larger than 0.5 m: 0.06 px) or the height of 0.01 px. Real pairs stay
 * below a tenth of that over 2048 px and 1000 m.
 * Source: de Franchis et al., "An automatic and modular stereo pipeline for pushbroom images", ISPRS Annals 2014 (one
 * affine per tile), taken to the degree the tile's size asks for.
 */
export function tileGeometry(input: TileGeometryInput): TileGeometry {
  const { box, marginPx } = input;
  const [low, high] = input.heightRange;
  if (!(box.maxE > box.minE && box.maxN > box.minN && high >= low)) {
    throw new TileGeometryError(`Expected a box and a height range that are not empty but received ${where(input)}`);
  }
  const first = virtualCorrespondences(input, box, sampledHeights(low, high), [5, 5, 3]);
  const [refPixels, secPixels] = [pixelsAround(input.ref, first.ref), pixelsAround(input.sec, first.sec)];
  if (refPixels === null || secPixels === null) return seesNothing(refPixels, secPixels);
  const shown = shownGround(input, box, [low, high], first);
  if (shown === null) return seesNothing(refPixels, null);
  // Samples reach over the margin too: its pixels are rectified and matched like the others.
  const marginM = (marginPx + interpolationPx) * pairView(first).pixelM;
  const grown = {
    minE: shown.minE - marginM,
    minN: shown.minN - marginM,
    maxE: shown.maxE + marginM,
    maxN: shown.maxN + marginM,
  };
  const samples = virtualCorrespondences(input, grown, sampledHeights(low, high), [9, 9, 7]);
  const checks = virtualCorrespondences(input, grown, sampledHeights(low, high), [8, 8, 6], true);
  const view = pairView(samples);
  if (!(view.baseToHeight >= minBaseToHeight)) {
    throw new TileGeometryError(
      `The views do not differ enough: base to height ${view.baseToHeight} in ${where(input)}`,
    );
  }
  const rectification = bestRectification(samples, checks, view);
  const unit = Math.max(1, view.pixelM / 0.5);
  const ground = bestGround(rectification.fit, samples, checks, unit);

  // What the box needs without the margin, and what of that both images can show.
  const onFaces = virtualCorrespondences(input, shown, [low, high], [9, 9, 7]).ground;
  const needed = evaluatePoly3(ground.rectFromGround, onFaces);
  const disparities = needed.filter((_, i) => i % 3 === 2);
  const dMin = Math.floor(Math.min(...disparities)) - 1;
  const dMax = Math.ceil(Math.max(...disparities)) + 1;
  const { refFromRect, secFromRect, rectOf: exactRect } = rectification.fit;
  const sampledRect = exactRect(samples);
  const refShows = shownOutline(input.ref, samples.ref, pairsOf(sampledRect, 0));
  const secShows = shownOutline(input.sec, samples.sec, pairsOf(sampledRect, 1));
  const { rect, extents } = matchableRows(convexHull(pairsOf(needed, 0)), refShows, secShows, [dMin, dMax], marginPx);
  if (rect.width === 0) return seesNothing(refPixels, null);
  const { rect: secRect, extents: secExtents } = searchedRows(rect, extents, secShows, [dMin, dMax]);
  const refWindow = windowOf(refFromRect, rect, input.ref, interpolationPx);
  const secWindow = secRect.width > 0 ? windowOf(secFromRect, secRect, input.sec, interpolationPx) : null;
  if (refWindow === null || secWindow === null) return seesNothing(refWindow, secWindow);
  const groundLimit = Math.max(groundLimitM * unit, groundLimitPx / view.pxPerMetre);
  const { residualPx, alongPx } = rectification;
  if (!(residualPx <= residualLimitPx && alongPx <= alongLimitPx && ground.errorM <= groundLimit)) {
    throw new TileGeometryError(
      `No third-degree model fits the cameras: rectification errs by ${residualPx.toPrecision(2)} px, ${alongPx.toPrecision(2)} px along the rows, ` +
        `ground by ${ground.errorM.toPrecision(2)} m, in ${where(input)}`,
    );
  }
  return {
    refFromRect,
    secFromRect,
    groundFromRect: ground.groundFromRect,
    rectFromGround: ground.rectFromGround,
    rect,
    extents,
    secRect,
    secExtents,
    disparityRange: [dMin, dMax],
    refWindow,
    secWindow,
    pxPerMetre: view.pxPerMetre,
    baseToHeight: view.baseToHeight,
    epipolarResidualPx: residualPx,
    groundErrorM: ground.errorM,
    rotationDeg: (Math.atan2(view.axis[1], view.axis[0]) * 180) / Math.PI,
  };
}

/** The image's pixels around those given; null where there are none. */
function pixelsAround(
  image: { readonly width: number; readonly height: number },
  pixels: Float64Array,
): PixelRect | null {
  return pixelRectOf(intersect(grow(boundsOf(pixels), interpolationPx), pixelsOf(image)));
}

/** The rectified outline of the image's part that is near the tile; nothing where it has none. */
function shownOutline(
  image: { readonly width: number; readonly height: number },
  pixels: Float64Array,
  rectPairs: Float64Array,
): ConvexPolygon {
  const near = intersect(pixelsOf(image), boundsOf(pixels));
  if (isEmpty(near)) return new Float64Array(0);
  // An affine is good to a pixel or two here; two pixels more than needed are harmless.
  return dilate(convexHull(evaluatePoly2(fitPoly2(1, pixels, rectPairs), cornersOf(near))), 2);
}

/**
 * The block around the hull of what a box needs, and in each of its rows the columns within `marginPx` of the hull which
 * the reference shows, and the secondary at some disparity. 0 x 0 where neither shows any of the box itself.
 */
function matchableRows(
  needed: ConvexPolygon, refShows: ConvexPolygon, secShows: ConvexPolygon, [dMin, dMax]: readonly [number, number], marginPx: number,
): BlockRows {
  const rowsWithin = (outline: ConvexPolygon): BlockRows => {
    const block = rectOf(boundsOf(outline));
    return trimmed(block, extentsOf(block, rowSpans(outline, block), rowSpans(refShows, block), moved(rowSpans(secShows, block), -dMax, -dMin)));
  };
  const itself = rowsWithin(dilate(needed, 1));
  return itself.rect.width === 0 ? itself : rowsWithin(dilate(needed, Math.max(1, marginPx)));
}

/** The secondary block of the same rows that `extents` of the reference's `rect` can match. */
function searchedRows(rect: RectSpec, extents: RowExtents, secShows: ConvexPolygon, [dMin, dMax]: readonly [number, number]): BlockRows {
  const block = { ...rect, u0: rect.u0 + dMin, width: rect.width + dMax - dMin };
  return trimmed(block, extentsOf(block, moved(spansOf(rect, extents), dMin, dMax), rowSpans(secShows, block)), true);
}

function sampledHeights(low: number, high: number): readonly [number, number] {
  const slack = Math.max(0, minSampledHeightM - (high - low)) / 2;
  return [low - slack, high + slack];
}

function where({ box, heightRange }: TileGeometryInput): string {
  return `E ${box.minE}..${box.maxE}, N ${box.minN}..${box.maxN}, heights ${heightRange.join('..')} m`;
}

function seesNothing(refWindow: PixelRect | null, secWindow: PixelRect | null): TileGeometry {
  const nothing = Float64Array.of(Number.NaN, 0, 0);
  const none = Float64Array.of(Number.NaN, 0, 0, 0);
  const poly2: Poly2 = { degree: 1, uOff: 0, uScale: 1, vOff: 0, vScale: 1, first: nothing, second: nothing };
  const poly3: Poly3 = {
    degree: 1,
    off: new Float64Array(3),
    scale: new Float64Array(3).fill(1),
    outOff: new Float64Array(3),
    coefficients: [none, none, none],
  };
  const block = { u0: 0, v0: 0, width: 0, height: 0 };
  return {
    refFromRect: poly2,
    secFromRect: poly2,
    groundFromRect: poly3,
    rectFromGround: poly3,
    rect: block,
    extents: new Int32Array(0),
    secRect: block,
    secExtents: new Int32Array(0),
    disparityRange: [0, 0],
    refWindow,
    secWindow,
    pxPerMetre: Number.NaN,
    baseToHeight: Number.NaN,
    epipolarResidualPx: Number.NaN,
    groundErrorM: Number.NaN,
    rotationDeg: Number.NaN,
  };
}
