// SPDX-License-Identifier: Apache-2.0
import { KernelArgumentError } from './errors.js';
import { loadNative } from './native.js';

const native = loadNative<{
  leastSquares(a: Float64Array, b: Float64Array, rows: number, columns: number, sides: number, x: Float64Array): void;
}>();

/**
 * Solves min |A x - b| for several right sides by Householder QR. `a`: (rows, columns) row-major, rows >=
 * columns; `b`: (rows, sides) row-major; both are overwritten. Returns (columns, sides) row-major; not finite
 * where A's columns depend on each other. Uses +, *, / and sqrt only, so it gives the same bits everywhere. Throws KernelArgumentError.
 * Source: Golub and Van Loan, Matrix Computations, algorithm 5.3.2.
 */
export function leastSquares(
  a: Float64Array,
  b: Float64Array,
  rows: number,
  columns: number,
  sides: number,
): Float64Array {
  for (const [name, value, least] of [['columns', columns, 1], ['rows', rows, columns], ['sides', sides, 1]] as const) {
    if (!Number.isInteger(value) || value < least) throw new KernelArgumentError(`a whole number of at least ${least}`, name, value);
  }
  if (a.length < rows * columns) throw new KernelArgumentError(`${rows} x ${columns} numbers`, 'a', a.length);
  if (b.length < rows * sides) throw new KernelArgumentError(`${rows} x ${sides} numbers`, 'b', b.length);
  const x = new Float64Array(columns * sides);
  native.leastSquares(a, b, rows, columns, sides, x);
  return x;
}
