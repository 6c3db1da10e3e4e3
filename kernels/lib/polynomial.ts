// SPDX-License-Identifier: Apache-2.0
import { KernelArgumentError } from './errors.js';
import { leastSquares } from './least-squares.js';
import type { Poly2, Poly3 } from './types.js';

const termCount2 = { 1: 3, 2: 6, 3: 10 } as const;
const termCount3 = { 1: 4, 2: 10, 3: 20 } as const;

/** Values of a Poly2 at N points: `uv` has 2N numbers, and so has what is returned (first, second). */
export function evaluatePoly2(poly: Poly2, uv: Float64Array): Float64Array {
  const out = new Float64Array(uv.length);
  const t = new Float64Array(10);
  for (let i = 0; i + 1 < uv.length; i += 2) {
    terms2(poly.degree, (at(uv, i) - poly.uOff) / poly.uScale, (at(uv, i + 1) - poly.vOff) / poly.vScale, t, 0);
    out[i] = dot(poly.first, t);
    out[i + 1] = dot(poly.second, t);
  }
  return out;
}

/** Values of a Poly3 at N points: `points` has 3N numbers, and so has what is returned. */
export function evaluatePoly3(poly: Poly3, points: Float64Array): Float64Array {
  const out = new Float64Array(points.length);
  const t = new Float64Array(20);
  const x = (i: number, k: number): number => (at(points, i + k) - at(poly.off, k)) / at(poly.scale, k);
  for (let i = 0; i + 2 < points.length; i += 3) {
    terms3(poly.degree, x(i, 0), x(i, 1), x(i, 2), t, 0);
    for (const k of [0, 1, 2] as const) out[i + k] = at(poly.outOff, k) + dot(poly.coefficients[k], t);
  }
  return out;
}

/** The Poly2 through N points `uv` to N values `out` (2N numbers each), by least squares. */
export function fitPoly2(degree: 1 | 2 | 3, uv: Float64Array, out: Float64Array): Poly2 {
  const n = uv.length / 2;
  const columns = termCount2[degree];
  const [uOff, uScale] = spread(uv, 0, 2);
  const [vOff, vScale] = spread(uv, 1, 2);
  const a = new Float64Array(n * columns);
  for (let i = 0; i < n; i++)
    terms2(degree, (at(uv, 2 * i) - uOff) / uScale, (at(uv, 2 * i + 1) - vOff) / vScale, a, i * columns);
  const x = leastSquares(a, Float64Array.from(out), n, columns, 2);
  return { degree, uOff, uScale, vOff, vScale, first: every(x, 0, 2), second: every(x, 1, 2) };
}

/** The Poly3 through N points to N values `out` (3N numbers each), by least squares. */
export function fitPoly3(degree: 1 | 2 | 3, points: Float64Array, out: Float64Array): Poly3 {
  const n = points.length / 3;
  const columns = termCount3[degree];
  const axes = [spread(points, 0, 3), spread(points, 1, 3), spread(points, 2, 3)] as const;
  const x = (i: number, k: 0 | 1 | 2): number => (at(points, 3 * i + k) - axes[k][0]) / axes[k][1];
  // Values are fitted relative to their middle: eastings and northings are large, their spread is not.
  const outOff = Float64Array.of(spread(out, 0, 3)[0], spread(out, 1, 3)[0], spread(out, 2, 3)[0]);
  const a = new Float64Array(n * columns);
  for (let i = 0; i < n; i++) terms3(degree, x(i, 0), x(i, 1), x(i, 2), a, i * columns);
  const solution = leastSquares(
    a,
    out.map((value, i) => value - at(outOff, i % 3)),
    n,
    columns,
    3,
  );
  return {
    degree,
    off: Float64Array.from(axes, (axis) => axis[0]),
    scale: Float64Array.from(axes, (axis) => axis[1]),
    outOff,
    coefficients: [every(solution, 0, 3), every(solution, 1, 3), every(solution, 2, 3)],
  };
}

/** A Poly3 as C++ has it: struct Poly3 in src/polynomial.h. */
export function packPoly3({ degree, off, scale, outOff, coefficients }: Poly3): Float64Array {
  const numbers = [...off, ...scale, ...outOff];
  const terms = termCount3[degree];
  if (numbers.length !== 9 || coefficients.some((c) => c.length !== terms) || scale.includes(0)) {
    throw new KernelArgumentError(`${terms} coefficients and no scale of 0`, 'polynomial', `degree ${degree}`);
  }
  const packed = new Float64Array(69);
  packed.set(numbers);
  coefficients.forEach((c, k) => packed.set(c, 9 + 20 * k));
  return packed;
}

/** The terms of a Poly2, in its order, into t from index `o`. */
function terms2(degree: 1 | 2 | 3, x: number, y: number, t: Float64Array, o: number): void {
  t[o] = 1;
  t[o + 1] = x;
  t[o + 2] = y;
  if (degree === 1) return;
  t[o + 3] = x * x;
  t[o + 4] = x * y;
  t[o + 5] = y * y;
  if (degree === 2) return;
  t[o + 6] = x * x * x;
  t[o + 7] = x * x * y;
  t[o + 8] = x * y * y;
  t[o + 9] = y * y * y;
}

/** The terms of a Poly3, in its order, into t from index `o`. */
function terms3(degree: 1 | 2 | 3, x: number, y: number, z: number, t: Float64Array, o: number): void {
  t[o] = 1;
  t[o + 1] = x;
  t[o + 2] = y;
  t[o + 3] = z;
  if (degree === 1) return;
  t[o + 4] = x * x;
  t[o + 5] = x * y;
  t[o + 6] = x * z;
  t[o + 7] = y * y;
  t[o + 8] = y * z;
  t[o + 9] = z * z;
  if (degree === 2) return;
  t[o + 10] = x * x * x;
  t[o + 11] = x * x * y;
  t[o + 12] = x * x * z;
  t[o + 13] = x * y * y;
  t[o + 14] = x * y * z;
  t[o + 15] = x * z * z;
  t[o + 16] = y * y * y;
  t[o + 17] = y * y * z;
  t[o + 18] = y * z * z;
  t[o + 19] = z * z * z;
}

/** Middle and half extent (1 where there is none) of the numbers start, start + step, … */
function spread(values: Float64Array, start: number, step: number): readonly [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let i = start; i < values.length; i += step) {
    low = Math.min(low, at(values, i));
    high = Math.max(high, at(values, i));
  }
  return [(low + high) / 2, high > low ? (high - low) / 2 : 1];
}

function every(values: Float64Array, start: number, step: number): Float64Array {
  return values.filter((_, i) => i % step === start);
}

function dot(coefficients: Float64Array, terms: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < coefficients.length; k++) sum += at(coefficients, k) * at(terms, k);
  return sum;
}

function at(array: Float64Array, index: number): number {
  return array[index] ?? Number.NaN;
}
