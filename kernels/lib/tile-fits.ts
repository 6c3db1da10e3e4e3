// SPDX-License-Identifier: Apache-2.0
import { evaluatePoly2, evaluatePoly3, fitPoly3 } from './polynomial.js';
import { fitRectification, type RectifyingFit } from './rectifying-fit.js';
import type { Poly3 } from './types.js';
import type { PairView, VirtualCorrespondences } from './virtual-correspondences.js';

/** A higher degree is tried above these. */
const residualGoalPx = 0.005;
const groundGoalM = 0.002;

interface BestRectification {
  readonly fit: RectifyingFit;
  /** Worst distance between secFromRect and the exact secondary pixel at the check points. */
  readonly residualPx: number;
  /** Of that, the part along the rows, which would pass for disparity. */
  readonly alongPx: number;
}

interface BestGround {
  readonly groundFromRect: Poly3;
  readonly rectFromGround: Poly3;
  readonly errorM: number;
}

/** The rectification of the lowest degree that meets the goal at the check points, else the best one. */
export function bestRectification(
  samples: VirtualCorrespondences,
  checks: VirtualCorrespondences,
  view: PairView,
): BestRectification {
  // Of 7 heights of 81 samples each.
  const middle: readonly [number, number] = [3 * 81, 4 * 81];
  const attempt = (bend: 1 | 2 | 3): BestRectification => {
    const fit = fitRectification(samples, middle, view.axis, bend, bend === 3 ? 3 : 2);
    return { fit, ...residuals(fit, checks) };
  };
  let best = attempt(1);
  for (const bend of [2, 3] as const) {
    if (best.residualPx <= residualGoalPx) break;
    const next = attempt(bend);
    if (!(next.residualPx >= best.residualPx)) best = next;
  }
  return best;
}

function residuals(fit: RectifyingFit, checks: VirtualCorrespondences): Omit<BestRectification, 'fit'> {
  const uv = pairsOf(fit.rectOf(checks), 1);
  const found = evaluatePoly2(fit.secFromRect, uv);
  const ahead = evaluatePoly2(
    fit.secFromRect,
    uv.map((value, i) => (i % 2 === 0 ? value + 1 : value)),
  );
  let alongPx = 0;
  const difference = (a: Float64Array, b: Float64Array, k: number): number => (a[k] ?? Number.NaN) - (b[k] ?? Number.NaN);
  for (let i = 0; i < uv.length; i += 2) {
    const col = difference(ahead, found, i);
    const row = difference(ahead, found, i + 1);
    const along = difference(found, checks.sec, i) * col + difference(found, checks.sec, i + 1) * row;
    alongPx = Math.max(alongPx, Math.abs(along) / (col * col + row * row));
  }
  return { residualPx: worstDistance(found, checks.sec, 2), alongPx };
}

/** The polynomials of the second degree if they meet the goal (times `unit`) at the check points, else of the third. */
export function bestGround(
  fit: RectifyingFit,
  samples: VirtualCorrespondences,
  checks: VirtualCorrespondences,
  unit: number,
): BestGround {
  const [rect, checkRect] = [fit.rectOf(samples), fit.rectOf(checks)];
  const attempt = (degree: 2 | 3): BestGround => {
    const groundFromRect = fitPoly3(degree, rect, samples.ground);
    const errorM = worstDistance(evaluatePoly3(groundFromRect, checkRect), checks.ground, 3);
    return { groundFromRect, rectFromGround: fitPoly3(degree, samples.ground, rect), errorM };
  };
  const second = attempt(2);
  return second.errorM <= groundGoalM * unit ? second : attempt(3);
}

/** (u, v) of triples (u, v, d), in the reference (0) or the secondary (1). */
export function pairsOf(rectTriples: Float64Array, side: 0 | 1): Float64Array {
  const out = new Float64Array((rectTriples.length / 3) * 2);
  for (let i = 0; 3 * i < rectTriples.length; i++) {
    out[2 * i] = (rectTriples[3 * i] ?? Number.NaN) + side * (rectTriples[3 * i + 2] ?? Number.NaN);
    out[2 * i + 1] = rectTriples[3 * i + 1] ?? Number.NaN;
  }
  return out;
}

/** NaN if any distance is. */
function worstDistance(a: Float64Array, b: Float64Array, dimensions: 2 | 3): number {
  let worst = 0;
  for (let i = 0; i < a.length; i += dimensions) {
    let squares = 0;
    for (let k = i; k < i + dimensions; k++) {
      const difference = (a[k] ?? Number.NaN) - (b[k] ?? Number.NaN);
      squares += difference * difference;
    }
    worst = Math.max(worst, squares);
  }
  return Math.sqrt(worst);
}
