// SPDX-License-Identifier: Apache-2.0
import { leastSquares } from './least-squares.js';
import { evaluatePoly2, fitPoly2 } from './polynomial.js';
import type { Poly2 } from './types.js';
import { boundsOf } from './tile-windows.js';
import type { VirtualCorrespondences } from './virtual-correspondences.js';

/** The rectified frame of a pair over a tile. */
export interface RectifyingFit {
  readonly refFromRect: Poly2;
  readonly secFromRect: Poly2;
  /** (u, v, d) of correspondences, from their exact pixels in both images. */
  readonly rectOf: (points: VirtualCorrespondences) => Float64Array;
}

/**
 * Fits the rectifying transforms to virtual correspondences.
 *
 * Reference: u runs along `axis`, v across it, around the tile's middle pixel: a rotation. Epipolar lines are a
 * little curved and not quite parallel, so with `bend` > 1 v gets the terms of that degree which straighten them
 * (all but powers of v, which would only stretch the rows of both images alike). They are those for which v of
 * both images agrees best, v_ref + bend(u, v) = polynomial(col_sec, row_sec), a linear least-squares problem.
 * Secondary: v is that of the same ground point in the reference; u is the affine function of (col, row) which
 * is closest to the reference's u at the middle height, so that d is small there and scale and shear match.
 */
export function fitRectification(
  points: VirtualCorrespondences,
  midHeight: readonly [from: number, to: number],
  axis: readonly [number, number],
  bend: 1 | 2 | 3,
  secDegree: 2 | 3,
): RectifyingFit {
  const { low, high } = boundsOf(points.ref);
  const middle: readonly [number, number] = [Math.round((low[0] + high[0]) / 2), Math.round((low[1] + high[1]) / 2)];
  const rotated = (pixels: Float64Array): Float64Array => rotate(pixels, middle, axis);
  const straighten =
    bend === 1 ? (uv: Float64Array): Float64Array => uv : straightening(rotated(points.ref), points.sec, bend);
  const refUv = (pixels: Float64Array): Float64Array => straighten(rotated(pixels));

  const uv = refUv(points.ref);
  const between = ([from, to]: readonly [number, number], pairs: Float64Array): Float64Array =>
    pairs.subarray(2 * from, 2 * to);
  const secU = fitPoly2(1, between(midHeight, points.sec), between(midHeight, uv));
  const withU = (pixels: Float64Array, refPairs: Float64Array): Float64Array => {
    const pairs = evaluatePoly2(secU, pixels);
    for (let i = 1; i < pairs.length; i += 2) pairs[i] = refPairs[i] ?? Number.NaN;
    return pairs;
  };

  return {
    refFromRect: fitPoly2(bend, uv, points.ref),
    secFromRect: fitPoly2(secDegree, withU(points.sec, uv), points.sec),
    rectOf: (others) => {
      const refPairs = refUv(others.ref);
      return triplesOf(refPairs, withU(others.sec, refPairs));
    },
  };
}

/** (u, v, d) of pairs (u, v) in the reference and in the secondary. */
function triplesOf(ref: Float64Array, sec: Float64Array): Float64Array {
  const triples = new Float64Array((ref.length / 2) * 3);
  for (let i = 0, o = 0; i < ref.length; i += 2, o += 3) {
    const u = ref[i] ?? Number.NaN;
    triples[o] = u;
    triples[o + 1] = ref[i + 1] ?? Number.NaN;
    triples[o + 2] = (sec[i] ?? Number.NaN) - u;
  }
  return triples;
}

function rotate(
  pixels: Float64Array,
  middle: readonly [number, number],
  [cos, sin]: readonly [number, number],
): Float64Array {
  const out = new Float64Array(pixels.length);
  for (let i = 0; i + 1 < pixels.length; i += 2) {
    const col = (pixels[i] ?? Number.NaN) - middle[0];
    const row = (pixels[i + 1] ?? Number.NaN) - middle[1];
    out[i] = cos * col + sin * row;
    out[i + 1] = cos * row - sin * col;
  }
  return out;
}

/** The function that adds to v what `fitRectification` says. */
function straightening(uv: Float64Array, sec: Float64Array, degree: 2 | 3): (uv: Float64Array) => Float64Array {
  const n = uv.length / 2;
  const { low, high } = boundsOf(uv);
  const scale = Math.max(...high.map(Math.abs), ...low.map(Math.abs));
  const bends = degree === 2 ? 2 : 5;
  const bounds = boundsOf(sec);
  const along = (axis: 0 | 1, value: number): number =>
    (2 * value - bounds.low[axis] - bounds.high[axis]) / (bounds.high[axis] - bounds.low[axis]);

  const columns = bends + (degree === 2 ? 6 : 10);
  const a = new Float64Array(n * columns);
  const b = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const v = (uv[2 * i + 1] ?? Number.NaN) / scale;
    bendTerms(degree, (uv[2 * i] ?? Number.NaN) / scale, v, a, i * columns);
    secTerms(degree, along(0, sec[2 * i] ?? Number.NaN), along(1, sec[2 * i + 1] ?? Number.NaN), a, i * columns + bends);
    b[i] = -v;
  }
  const solution = leastSquares(a, b, n, columns, 1);
  return (points) => {
    const out = points.slice();
    const terms = new Float64Array(bends);
    for (let i = 1; i < points.length; i += 2) {
      const v = points[i] ?? Number.NaN;
      bendTerms(degree, (points[i - 1] ?? Number.NaN) / scale, v / scale, terms, 0);
      let sum = 0;
      for (let k = 0; k < bends; k++) sum += (terms[k] ?? Number.NaN) * (solution[k] ?? Number.NaN);
      out[i] = v + scale * sum;
    }
    return out;
  };
}

/** The terms of v's bend, into t from index `o`: 2 of degree 2, 3 more of degree 3. */
function bendTerms(degree: 2 | 3, u: number, v: number, t: Float64Array, o: number): void {
  t[o] = u * u;
  t[o + 1] = u * v;
  if (degree === 2) return;
  t[o + 2] = u * u * u;
  t[o + 3] = u * u * v;
  t[o + 4] = u * v * v;
}

/** The terms of the polynomial in the secondary's pixels, with the sign of the other side of the equation. */
function secTerms(degree: 2 | 3, x: number, y: number, t: Float64Array, o: number): void {
  t[o] = -1;
  t[o + 1] = -x;
  t[o + 2] = -y;
  t[o + 3] = -(x * x);
  t[o + 4] = -(x * y);
  t[o + 5] = -(y * y);
  if (degree === 2) return;
  t[o + 6] = -(x * x * x);
  t[o + 7] = -(x * x * y);
  t[o + 8] = -(x * (y * y));
  t[o + 9] = -(y * y * y);
}
