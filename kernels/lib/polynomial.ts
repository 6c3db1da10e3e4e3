// SPDX-License-Identifier: Apache-2.0
import { KernelArgumentError } from './errors.js';
import { loadNative } from './native.js';
import type { Poly2, Poly3 } from './types.js';

/** Of `inputs` variables, with a frame of as many offsets, scales and output offsets: kernels/src/fit_polynomial.h. */
const native = loadNative<{
  evaluatePolynomial(inputs: 2 | 3, degree: 1 | 2 | 3, frame: Float64Array, coefficients: Float64Array, points: Float64Array): Float64Array;
  fitPolynomial(inputs: 2 | 3, degree: 1 | 2 | 3, points: Float64Array, values: Float64Array, frame: Float64Array, coefficients: Float64Array): void;
}>();

/** A fit's matrix has a row of up to 20 numbers a point. */
const mostPoints = 1_000_000;

const termCount2 = { 1: 3, 2: 6, 3: 10 } as const;
const termCount3 = { 1: 4, 2: 10, 3: 20 } as const;

/** Values of a Poly2 at N points: `uv` has 2N numbers, and so has what is returned (first, second). Throws KernelArgumentError. */
export function evaluatePoly2(poly: Poly2, uv: Float64Array): Float64Array {
  checkTuples(2, uv, 'uv');
  const { degree, uOff, uScale, vOff, vScale, first, second } = poly;
  return native.evaluatePolynomial(2, degree, Float64Array.of(uOff, vOff, uScale, vScale, 0, 0), joined(termCount2[degree], first, second), uv);
}

/** Values of a Poly3 at N points: `points` has 3N numbers, and so has what is returned. Throws KernelArgumentError. */
export function evaluatePoly3({ degree, off, scale, outOff, coefficients }: Poly3, points: Float64Array): Float64Array {
  checkTuples(3, points, 'points');
  return native.evaluatePolynomial(3, degree, joined(3, off, scale, outOff), joined(termCount3[degree], ...coefficients), points);
}

/**
 * The Poly2 through N points `uv` to N values `out` (2N numbers each), by least squares; not finite where they don't determine it.
 * Throws KernelArgumentError, also for fewer points than terms.
 */
export function fitPoly2(degree: 1 | 2 | 3, uv: Float64Array, out: Float64Array): Poly2 {
  const terms = termCount2[degree];
  checkPoints(2, terms, uv, out);
  const frame = new Float64Array(6);
  const coefficients = new Float64Array(2 * terms);
  native.fitPolynomial(2, degree, uv, out, frame, coefficients);
  const [uOff = NaN, vOff = NaN, uScale = NaN, vScale = NaN] = frame;
  return { degree, uOff, uScale, vOff, vScale, first: coefficients.slice(0, terms), second: coefficients.slice(terms) };
}

/** The Poly3 through N points to N values `out` (3N numbers each), as `fitPoly2`. */
export function fitPoly3(degree: 1 | 2 | 3, points: Float64Array, out: Float64Array): Poly3 {
  const terms = termCount3[degree];
  checkPoints(3, terms, points, out);
  const frame = new Float64Array(9);
  const coefficients = new Float64Array(3 * terms);
  native.fitPolynomial(3, degree, points, out, frame, coefficients);
  return {
    degree, off: frame.slice(0, 3), scale: frame.slice(3, 6), outOff: frame.slice(6),
    coefficients: [coefficients.slice(0, terms), coefficients.slice(terms, 2 * terms), coefficients.slice(2 * terms)],
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

function checkTuples(inputs: 2 | 3, points: Float64Array, name: string): void {
  if (points.length % inputs !== 0) throw new KernelArgumentError(`${inputs} numbers a point`, name, `${points.length} numbers`);
}

function checkPoints(inputs: 2 | 3, terms: number, points: Float64Array, values: Float64Array): void {
  checkTuples(inputs, points, 'points');
  const count = points.length / inputs;
  if (count < terms || count > mostPoints) throw new KernelArgumentError(`${terms} to ${mostPoints} points`, 'points', count);
  if (values.length !== points.length) throw new KernelArgumentError(`${points.length} numbers, as many as of points,`, 'values', values.length);
}

/** Arrays of `length` numbers each, one after the other. */
function joined(length: number, ...parts: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(parts.length * length);
  for (let k = 0; k < parts.length; k++) {
    const part = parts[k];
    if (part?.length !== length) throw new KernelArgumentError(`${length} numbers`, 'polynomial', part?.length);
    whole.set(part, k * length);
  }
  return whole;
}
