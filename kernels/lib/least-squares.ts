// SPDX-License-Identifier: Apache-2.0

/**
 * Solves min |A x - b| for several right sides by Householder QR. `a`: (rows, columns) row-major, rows >=
 * columns; `b`: (rows, sides) row-major; both are overwritten. Returns (columns, sides) row-major; not finite
 * where A's columns depend on each other. Uses +, *, / and sqrt only, so it gives the same bits everywhere.
 * Source: Golub and Van Loan, Matrix Computations, algorithm 5.3.2.
 */
export function leastSquares(
  a: Float64Array,
  b: Float64Array,
  rows: number,
  columns: number,
  sides: number,
): Float64Array {
  const diagonal = new Float64Array(columns);
  for (let k = 0; k < columns; k++) {
    let squares = 0;
    for (let i = k; i < rows; i++) squares += at(a, i * columns + k) ** 2;
    const pivot = at(a, k * columns + k);
    const alpha = pivot > 0 ? -Math.sqrt(squares) : Math.sqrt(squares);
    diagonal[k] = alpha;
    // The reflector is v = column - alpha e_k; it stays in the column's place, v.v / 2 = alpha (alpha - pivot).
    a[k * columns + k] = pivot - alpha;
    const half = alpha * (alpha - pivot);
    reflect(a, columns, k + 1, columns, a, columns, k, rows, half);
    reflect(b, sides, 0, sides, a, columns, k, rows, half);
  }
  const x = new Float64Array(columns * sides);
  for (let s = 0; s < sides; s++) {
    for (let k = columns - 1; k >= 0; k--) {
      let sum = at(b, k * sides + s);
      for (let j = k + 1; j < columns; j++) sum -= at(a, k * columns + j) * at(x, j * sides + s);
      x[k * sides + s] = sum / at(diagonal, k);
    }
  }
  return x;
}

/** Reflects columns [from, to) of m by the reflector in column k of a. */
function reflect(
  m: Float64Array,
  stride: number,
  from: number,
  to: number,
  a: Float64Array,
  columns: number,
  k: number,
  rows: number,
  half: number,
): void {
  for (let j = from; j < to; j++) {
    let dot = 0;
    for (let i = k; i < rows; i++) dot += at(a, i * columns + k) * at(m, i * stride + j);
    const factor = dot / half;
    for (let i = k; i < rows; i++) m[i * stride + j] = at(m, i * stride + j) - factor * at(a, i * columns + k);
  }
}

function at(array: Float64Array, index: number): number {
  return array[index] ?? Number.NaN;
}
