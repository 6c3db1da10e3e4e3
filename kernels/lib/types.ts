// SPDX-License-Identifier: Apache-2.0

/**
 * A rational polynomial camera, RPC00B: ground to image. Columns and rows count from the centre of the
 * first pixel, (0, 0); longitude, latitude in degrees; altitude in metres above the WGS84 ellipsoid.
 */
export interface RpcModel {
  readonly lonOff: number; readonly lonScale: number;
  readonly latOff: number; readonly latScale: number;
  readonly altOff: number; readonly altScale: number;
  readonly colOff: number; readonly colScale: number;
  readonly rowOff: number; readonly rowScale: number;
  readonly colNum: readonly number[]; readonly colDen: readonly number[];
  readonly rowNum: readonly number[]; readonly rowDen: readonly number[];
}

/** col' = c0 + c1 col + c2 row, row' = r0 + r1 col + r2 row; pixels. */
export interface Affine {
  readonly col: readonly [number, number, number];
  readonly row: readonly [number, number, number];
}

export type PixelArray = Uint8Array | Uint16Array | Int16Array | Float32Array;

/** Pixels [col0, col0 + width) x [row0, row0 + height) of an image. `mask`: 1 = valid; null = all valid. */
export interface ImageWindow {
  readonly data: PixelArray;
  readonly mask: Uint8Array | null;
  readonly col0: number; readonly row0: number;
  readonly width: number; readonly height: number;
}

export interface PixelRect { readonly col0: number; readonly row0: number; readonly width: number; readonly height: number }

/** A block of the rectified frame: its first pixel's centre is (u0, v0), integers. */
export interface RectSpec { readonly u0: number; readonly v0: number; readonly width: number; readonly height: number }

/** Columns [first, end) of each row of a block that are of use, counted from its first column: 2 height numbers; equal where a row has none. */
export type RowExtents = Int32Array;

/** A rectified image block. `valid`: 1 where every source pixel used was valid; data is 0 elsewhere. */
export interface RectImage extends RectSpec { readonly data: Float32Array; readonly valid: Uint8Array }

/**
 * Polynomial in two normalised variables, x = (u - uOff) / uScale, y = (v - vOff) / vScale, with terms in
 * the order 1, x, y, x2, xy, y2, x3, x2y, xy2, y3 up to `degree` (1: 3, 2: 6, 3: 10 terms).
 */
export interface Poly2 {
  readonly degree: 1 | 2 | 3;
  readonly uOff: number; readonly uScale: number;
  readonly vOff: number; readonly vScale: number;
  /** Coefficients of the two outputs (for imageFromRect: column, row). */
  readonly first: Float64Array; readonly second: Float64Array;
}

/**
 * Polynomial in three normalised variables, x_i = (in_i - off_i) / scale_i, to three outputs
 * out_k = outOff_k + sum of coefficients * terms. Terms by total degree, within a degree in the order of
 * nested loops: for i = n..0, for j = n - i..0: x^i y^j z^(n-i-j) (degree 1: 4, 2: 10, 3: 20 terms).
 */
export interface Poly3 {
  readonly degree: 1 | 2 | 3;
  readonly off: Float64Array; readonly scale: Float64Array;
  readonly outOff: Float64Array;
  readonly coefficients: readonly [Float64Array, Float64Array, Float64Array];
}

/** Why a rectified pixel has no disparity; kernels/src/validity.h has the same list. */
export const validity = {
  valid: 0, noDataReference: 1, outsideSecondary: 2, border: 4, rangeEdge: 8,
  leftRight: 16, speckle: 32, ambiguous: 64, outlier: 128,
} as const;

/**
 * Candidates of each reference pixel: low <= d < low + count, `low` (height, width) row-major, pixels. `rowCounts`: of each row's
 * pixels, 1 to count; null: count.
 */
export interface SearchRange { readonly low: Int16Array; readonly count: number; readonly rowCounts: Uint16Array | null }

/**
 * Disparities of a reference block: u_sec = u_ref + disparity on the same row. NaN where validity isn't 0.
 * `confidence` in 0..1, on one scale for all tiles.
 */
export interface DisparityMap extends RectSpec {
  readonly disparity: Float32Array;
  readonly validity: Uint16Array;
  readonly confidence: Float32Array;
}

/** A point per reference pixel: east and north in metres of the CRS relative to (originE, originN), up = height in metres. NaN = none. */
export interface PointMap extends RectSpec {
  readonly originE: number; readonly originN: number;
  readonly east: Float32Array; readonly north: Float32Array; readonly up: Float32Array;
}

/** A north-up grid of square cells; the origin is the upper left corner of cell (0, 0). */
export interface GridSpec {
  readonly originE: number; readonly originN: number;
  readonly resolution: number;
  readonly width: number; readonly height: number;
}

/**
 * Cells of a grid, row-major. height: of the points' weighted plane at the cell's centre, NaN = none; weight: sum of weights;
 * spread: weighted standard deviation about that plane, metres, NaN = none; count: points.
 */
export interface PartialDsm {
  readonly grid: GridSpec;
  readonly height: Float32Array;
  readonly weight: Float32Array;
  readonly spread: Float32Array;
  readonly count: Uint16Array;
}
