// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { KernelArgumentError } from './errors.js';
import { leastSquares } from './least-squares.js';
import { evaluatePoly2, evaluatePoly3, fitPoly2, fitPoly3, packPoly3 } from './polynomial.js';
import type { Poly2, Poly3 } from './types.js';

const close = (a: Float64Array, b: Float64Array, tolerance: number): boolean =>
  a.length === b.length && a.every((value, i) => Math.abs(value - (b[i] ?? Number.NaN)) <= tolerance);

test('terms are in the order of the contract', (t) => {
  // x = 2, y = 3: (7 - 1) / 3 and (11 - 5) / 2
  const poly2: Poly2 = {
    degree: 3,
    uOff: 1,
    uScale: 3,
    vOff: 5,
    vScale: 2,
    first: new Float64Array(10),
    second: Float64Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 2),
  };
  [1, 2, 3, 4, 6, 9, 8, 12, 18, 27].forEach((term, k) => {
    const first = new Float64Array(10);
    first[k] = 1;
    t.deepEqual([...evaluatePoly2({ ...poly2, first }, Float64Array.of(7, 11))], [term, 55]);
  });
  // x = 2, y = 3, z = 5
  const off = Float64Array.of(1, 1, 1);
  const none = new Float64Array(20);
  [1, 2, 3, 5, 4, 6, 10, 9, 15, 25, 8, 12, 20, 18, 30, 50, 27, 45, 75, 125].forEach((term, k) => {
    const one = new Float64Array(20);
    one[k] = 1;
    const poly3: Poly3 = {
      degree: 3,
      off,
      scale: Float64Array.of(1, 1, 1),
      outOff: Float64Array.of(0, 100, 0),
      coefficients: [none, one, none],
    };
    t.deepEqual([...evaluatePoly3(poly3, Float64Array.of(3, 4, 6))], [0, 100 + term, 0]);
  });
});

test('a fit finds the polynomial its points come from', (t) => {
  const grid = Float64Array.from(
    Array.from({ length: 6 * 6 * 6 }, (_, i) => [
      400 + 30 * (i % 6),
      -70 + 9 * (Math.floor(i / 6) % 6),
      3 * Math.floor(i / 36),
    ]).flat(),
  );
  const pairs = grid.filter((_, i) => i % 3 !== 2);
  t.notThrows(() =>
    fc.assert(
      fc.property(
        fc.constantFrom(1 as const, 2 as const, 3 as const),
        fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: 60, maxLength: 60 }),
        (degree, c) => {
          const coefficients = (k: number, terms: number): Float64Array =>
            Float64Array.from(c.slice(20 * k, 20 * k + terms));
          const n3 = [4, 10, 20][degree - 1] ?? 0;
          const poly3: Poly3 = {
            degree,
            off: Float64Array.of(470, -50, 6),
            scale: Float64Array.of(80, 30, 8),
            outOff: Float64Array.of(350_000, 3_300_000, 100),
            coefficients: [coefficients(0, n3), coefficients(1, n3), coefficients(2, n3)],
          };
          const out3 = evaluatePoly3(poly3, grid);
          const n2 = [3, 6, 10][degree - 1] ?? 0;
          const poly2: Poly2 = {
            degree,
            uOff: 470,
            uScale: 80,
            vOff: -50,
            vScale: 30,
            first: coefficients(0, n2),
            second: coefficients(1, n2),
          };
          const out2 = evaluatePoly2(poly2, pairs);
          return (
            close(evaluatePoly3(fitPoly3(degree, grid, out3), grid), out3, 1e-8) &&
            close(evaluatePoly2(fitPoly2(degree, pairs, out2), pairs), out2, 1e-10)
          );
        },
      ),
    ),
  );
});

test('least squares leaves a residual at right angles to every column', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 48, maxLength: 48 }),
        (numbers) => {
          // 12 rows of 3 columns, made independent by the diagonal; 12 right sides of one column.
          const a = Float64Array.from(numbers.slice(0, 36), (value, i) => value + (i % 4 === 0 && i < 12 ? 4 : 0));
          const b = Float64Array.from(numbers.slice(36));
          const x = leastSquares(a.slice(), b.slice(), 12, 3, 1);
          const residual = b.map(
            (value, i) => value - x.reduce((sum, xk, k) => sum + xk * (a[3 * i + k] ?? Number.NaN), 0),
          );
          return [0, 1, 2].every(
            (k) => Math.abs(residual.reduce((sum, r, i) => sum + r * (a[3 * i + k] ?? Number.NaN), 0)) < 1e-12,
          );
        },
      ),
    ),
  );
});

test('columns that depend on each other give numbers that are not finite or huge, never a throw', (t) => {
  const x = leastSquares(Float64Array.of(1, 1, 1, 1, 1, 1), Float64Array.of(1, 2, 3), 3, 2, 1);
  t.false(x.every((value) => Math.abs(value) < 1e6));
});

test('points too few for the degree, or not as many as values, are refused', (t) => {
  const refused = (name: string, call: () => unknown): void => {
    t.throws(call, { instanceOf: KernelArgumentError, code: 'kernel-argument', message: new RegExp(`^Expected .* for ${name} but received \\d`) });
  };
  const pairs = new Float64Array(18), triples = new Float64Array(57);
  refused('points', () => fitPoly2(3, pairs, pairs));
  refused('points', () => fitPoly3(3, triples, triples));
  refused('points', () => fitPoly2(1, new Float64Array(0), new Float64Array(0)));
  refused('points', () => fitPoly3(1, triples.subarray(1), triples.subarray(1)));
  refused('points', () => fitPoly2(1, new Float64Array(2_000_002), new Float64Array(2_000_002)));
  refused('values', () => fitPoly2(2, pairs, pairs.subarray(2)));
  refused('uv', () => evaluatePoly2(fitPoly2(1, pairs, pairs), pairs.subarray(1)));
  refused('points', () => evaluatePoly3(fitPoly3(1, triples, triples), triples.subarray(1)));
});

test('a polynomial whose coefficients do not fit its degree is refused', (t) => {
  const four = new Float64Array(4);
  const three = new Float64Array(3);
  const poly: Poly3 = {
    degree: 2,
    off: three,
    scale: Float64Array.of(1, 1, 1),
    outOff: three,
    coefficients: [four, four, four],
  };
  t.throws(() => packPoly3(poly), { instanceOf: KernelArgumentError, message: /10 coefficients/ });
  t.throws(() => packPoly3({ ...poly, degree: 1, scale: Float64Array.of(1, 0, 1) }), {
    instanceOf: KernelArgumentError,
  });
});
