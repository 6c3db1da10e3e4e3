// SPDX-License-Identifier: Apache-2.0
import type { AlignWindow } from '@altiplano/protocol';
import { type Ring, boundsOf, boxRing, clipRing, ringArea, ringCentroid } from './polygon.js';

/** Sides from one window to the next where a scene is large: more of them make the pointing hardly better. */
const spacing = 3;

/**
 * Windows of `sideM` metres to find matches in, spread evenly over the ground a pair shares: along each axis one for every
 * three sides, at least 3 (2 where 3 would overlap) and at most 6. Cut to the shared ground; those that hold little of it
 * are left out. At least one.
 */
export function alignWindows(pairId: string, shared: Ring, sideM: number): AlignWindow[] {
  const bounds = boundsOf([shared]);
  if (bounds === null) return [];
  const count = (lengthM: number): number => Math.min(6, Math.max(lengthM < 3 * sideM ? 2 : 3, Math.ceil(lengthM / (spacing * sideM))));
  const [nE, nN] = [count(bounds.maxE - bounds.minE), count(bounds.maxN - bounds.minN)];
  const windowAt = (e: number, n: number): Ring =>
    clipRing(shared, boxRing({ minE: e - sideM / 2, minN: n - sideM / 2, maxE: e + sideM / 2, maxN: n + sideM / 2 }));
  const spread = Array.from({ length: nE * nN }, (_, i) => windowAt(
    bounds.minE + (((i % nE) + 0.5) * (bounds.maxE - bounds.minE)) / nE,
    bounds.minN + ((Math.floor(i / nE) + 0.5) * (bounds.maxN - bounds.minN)) / nN,
  ));
  const largest = Math.max(...spread.map(ringArea));
  const kept = spread.filter((ring) => ringArea(ring) > 0 && ringArea(ring) >= 0.3 * largest);
  const rings = kept.length > 0 ? kept : [windowAt(...ringCentroid(shared))];
  return rings.flatMap((ring, i) => {
    const box = boundsOf([ring]);
    return box === null ? [] : [{ id: `${pairId}-w${i}`, pair: pairId, box }];
  });
}
