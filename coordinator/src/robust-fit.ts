// SPDX-License-Identifier: Apache-2.0

export interface RobustFit {
  readonly coefficients: readonly number[];
  /** value - fit, of every observation. */
  readonly residuals: readonly number[];
  readonly inlier: readonly boolean[];
  readonly inliers: number;
}

/** Tukey's biweight has 95 % efficiency for normal errors at 4.685 sigma; what lies beyond has no weight. */
const tukey = 4.685;
/** Share of the observations the first estimate of place and scale rests on: more than half may be wrong. */
const startShare = 0.3;
const iterations = 60;
/** Share of the scale that coefficients move by in the last iteration. */
const converged = 1e-6;

/**
 * Fits values by a linear function of regressors (the first of which is 1), with up to about 65 % gross errors that don't
 * conspire. Iteratively reweighted least squares with Tukey's biweight, from the middle of the shortest interval that holds
 * 30 % of the values; the scale is the median absolute residual of those in reach, at least `noiseFloor`. Deterministic.
 * Source: Rousseeuw and Leroy, Robust Regression and Outlier Detection, 1987 (shortest half); Huber, Robust Statistics, 1981.
 */
export function robustFit(regressors: readonly (readonly number[])[], values: readonly number[], noiseFloor: number): RobustFit {
  const unknowns = regressors[0]?.length ?? 0;
  const x = Float64Array.from(regressors.flat());
  const start = shortestInterval(values, startShare);
  let coefficients = Float64Array.from({ length: unknowns }, (_, k) => (k === 0 ? start.middle : 0));
  // Were all values good, the shortest 30 % would reach 0.385 sigma to both sides; with more bad ones it reaches further.
  let scale = Math.max(noiseFloor, start.width / 2 / 0.385);
  const residuals = new Float64Array(values.length);
  const weights = new Float64Array(values.length);
  findResiduals(x, values, coefficients, residuals);
  for (let i = 0; i < iterations; i += 1) {
    const limit = tukey * scale;
    residuals.forEach((r, at) => { weights[at] = Math.abs(r) < limit ? (1 - (r / limit) ** 2) ** 2 : 0; });
    const next = weightedLeastSquares(x, values, weights, unknowns);
    if (next === null) break;
    const moved = next.reduce((sum, c, k) => sum + Math.abs(c - (coefficients[k] ?? 0)), 0);
    coefficients = next;
    findResiduals(x, values, coefficients, residuals);
    const inReach = residuals.map(Math.abs).filter((r) => r < limit).sort();
    const measured = Math.max(noiseFloor, 1.4826 * (inReach[Math.floor(inReach.length / 2)] ?? 0));
    // Shrink step by step: a slope can't be seen before residuals have followed it.
    const shrunk = Math.min(scale, Math.max(measured, 0.8 * scale));
    const isSettled = shrunk === scale && moved < converged * scale;
    scale = shrunk;
    if (isSettled) break;
  }
  const inlier = Array.from(residuals, (r) => Math.abs(r) < 3 * scale);
  return { coefficients: [...coefficients], residuals: [...residuals], inlier, inliers: inlier.filter(Boolean).length };
}

function shortestInterval(values: readonly number[], share: number): { readonly middle: number; readonly width: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const count = Math.max(1, Math.ceil(share * sorted.length));
  let best = { middle: NaN, width: Infinity };
  for (let i = 0; i + count <= sorted.length; i += 1) {
    const [low, high] = [sorted[i] ?? NaN, sorted[i + count - 1] ?? NaN];
    if (high - low < best.width) best = { middle: (low + high) / 2, width: high - low };
  }
  return best;
}

/** value - fit into `residuals`; `x` holds the regressors of one observation after another. */
function findResiduals(x: Float64Array, values: readonly number[], coefficients: Float64Array, residuals: Float64Array): void {
  const n = coefficients.length;
  for (let i = 0; i < residuals.length; i += 1) {
    let fit = 0;
    for (let k = 0; k < n; k += 1) fit += (x[i * n + k] ?? NaN) * (coefficients[k] ?? NaN);
    residuals[i] = (values[i] ?? NaN) - fit;
  }
}

/** Normal equations by Gaussian elimination; null where they don't determine the coefficients. */
function weightedLeastSquares(x: Float64Array, values: readonly number[], weights: Float64Array, n: number): Float64Array<ArrayBuffer> | null {
  const rows = Array.from({ length: n }, () => new Float64Array(n + 1));
  for (let i = 0; i < weights.length; i += 1) {
    const weight = weights[i] ?? 0;
    if (weight === 0) continue;
    for (const [k, row] of rows.entries()) {
      const weighted = weight * (x[i * n + k] ?? NaN);
      for (let j = 0; j < n; j += 1) row[j] = (row[j] ?? 0) + weighted * (x[i * n + j] ?? NaN);
      row[n] = (row[n] ?? 0) + weighted * (values[i] ?? NaN);
    }
  }
  const total = weights.reduce((sum, w) => sum + w, 0);
  for (const [k, row] of rows.entries()) {
    const pivot = row[k] ?? 0;
    // Positive definite unless degenerate: no exchange of rows is needed.
    if (!(pivot > 1e-9 * total)) return null;
    for (const [j, other] of rows.entries()) {
      if (j === k) continue;
      const factor = (other[k] ?? 0) / pivot;
      for (let c = k; c <= n; c += 1) other[c] = (other[c] ?? 0) - factor * (row[c] ?? 0);
    }
  }
  return Float64Array.from(rows, (row, k) => (row[n] ?? NaN) / (row[k] ?? NaN));
}
