// SPDX-License-Identifier: Apache-2.0
/**
 * Solves min |A x - b|^2 + |ridge sqrt(m) x|^2, m the number of equations, by Householder QR, which keeps twice the
 * digits of normal equations. `columns` are A's columns. Not the kernels' solver, on purpose: the truth shares no code
 * with what it judges. Source: Golub and Van Loan, Matrix Computations, section 5.2.
 */
export function leastSquares(columns: readonly Float64Array[], right: Float64Array, ridge: number): Float64Array {
  const n = columns.length;
  const equations = right.length;
  const m = equations + n;
  // Damping is n more equations, ridge sqrt(m) x_j = 0; the right-hand side is carried along as one more column.
  const all = [...columns, right].map((column, j) => {
    const longer = new Float64Array(m);
    longer.set(column);
    if (j < n) longer[equations + j] = ridge * Math.sqrt(equations);
    return longer;
  });
  all.slice(0, n).forEach((v, k) => {
    let square = 0;
    for (let i = k; i < m; i++) square += (v[i] ?? 0) ** 2;
    const head = v[k] ?? 0;
    const norm = head > 0 ? -Math.sqrt(square) : Math.sqrt(square);
    // v becomes the reflection's vector from row k on; R's diagonal is kept aside until the others are reflected.
    v[k] = head - norm;
    const scale = 1 / (square - head * norm);
    for (const column of all.slice(k + 1)) {
      let product = 0;
      for (let i = k; i < m; i++) product += (v[i] ?? 0) * (column[i] ?? 0);
      product *= scale;
      for (let i = k; i < m; i++) column[i] = (column[i] ?? 0) - product * (v[i] ?? 0);
    }
    v[k] = norm;
  });
  const x = Float64Array.from(all[n] ?? []).subarray(0, n);
  for (let k = n - 1; k >= 0; k--) {
    x[k] = (x[k] ?? 0) / (all[k]?.[k] ?? 1);
    for (let i = 0; i < k; i++) x[i] = (x[i] ?? 0) - (x[k] ?? 0) * (all[k]?.[i] ?? 0);
  }
  return x;
}
