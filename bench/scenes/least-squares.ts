// SPDX-License-Identifier: Apache-2.0
/**
 * Solves min |A x - b|^2 + (ridge |x|)^2 by Householder QR, which keeps twice the digits of normal equations.
 * `rows` are A's rows and are overwritten. Source: Golub and Van Loan, Matrix Computations, section 5.2.
 */
export function leastSquares(rows: Float64Array[], values: readonly number[], ridge: number): Float64Array {
  const n = rows[0]?.length ?? 0;
  const scale = Math.sqrt(rows.length);
  const all = [...rows, ...Array.from({ length: n }, (_, i) => Float64Array.from({ length: n }, (_, j) => (i === j ? ridge * scale : 0)))];
  const right = Float64Array.from([...values, ...new Array<number>(n).fill(0)]);
  const m = all.length;
  for (let k = 0; k < n; k++) {
    const at = (i: number): number => all[i]?.[k] ?? 0;
    let norm = 0;
    for (let i = k; i < m; i++) norm += at(i) * at(i);
    norm = at(k) > 0 ? -Math.sqrt(norm) : Math.sqrt(norm);
    if (norm === 0) continue;
    const v = Float64Array.from({ length: m - k }, (_, i) => at(k + i));
    v[0] = at(k) - norm;
    let vv = 0;
    for (const x of v) vv += x * x;
    for (let j = k; j < n; j++) {
      let product = 0;
      for (let i = k; i < m; i++) product += (v[i - k] ?? 0) * (all[i]?.[j] ?? 0);
      reflect(all, v, k, j, (2 * product) / vv);
    }
    let product = 0;
    for (let i = k; i < m; i++) product += (v[i - k] ?? 0) * (right[i] ?? 0);
    for (let i = k; i < m; i++) right[i] = (right[i] ?? 0) - ((2 * product) / vv) * (v[i - k] ?? 0);
  }
  const x = new Float64Array(n);
  for (let k = n - 1; k >= 0; k--) {
    let sum = right[k] ?? 0;
    for (let j = k + 1; j < n; j++) sum -= (all[k]?.[j] ?? 0) * (x[j] ?? 0);
    x[k] = sum / (all[k]?.[k] ?? 1);
  }
  return x;
}

function reflect(all: readonly Float64Array[], v: Float64Array, k: number, j: number, factor: number): void {
  for (let i = k; i < all.length; i++) {
    const row = all[i];
    if (row !== undefined) row[j] = (row[j] ?? 0) - factor * (v[i - k] ?? 0);
  }
}
