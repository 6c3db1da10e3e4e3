// SPDX-License-Identifier: Apache-2.0
import type { GroundBox } from '@altiplano/protocol';

export type Point = readonly [number, number];
/** Corners of a polygon without the repeated first one. An empty ring is an empty area. */
export type Ring = readonly Point[];

const cross = (o: Point, a: Point, b: Point): number => (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);

/** The convex hull, counter-clockwise. Source: Andrew's monotone chain, Inf. Proc. Letters 9(5), 1979. */
export function convexHull(points: readonly Point[]): Ring {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const chain = (side: readonly Point[]): Point[] => {
    const hull: Point[] = [];
    for (const p of side) {
      for (;;) {
        const [a, b] = hull.slice(-2);
        if (a === undefined || b === undefined || cross(a, b, p) > 0) break;
        hull.pop();
      }
      hull.push(p);
    }
    return hull.slice(0, -1);
  };
  return [...chain(sorted), ...chain(sorted.toReversed())];
}

/**
 * The part of `subject` inside the convex, counter-clockwise `clip`. A concave subject is fine: its parts
 * stay joined by edges of no area. Source: Sutherland and Hodgman, CACM 17(1), 1974.
 */
export function clipRing(subject: Ring, clip: Ring): Ring {
  let ring = clip.length < 3 ? [] : subject;
  clip.forEach((from, i) => {
    const to = clip[(i + 1) % clip.length] ?? from;
    const input = ring;
    ring = input.flatMap((p, k): Point[] => {
      const next = input[(k + 1) % input.length] ?? p;
      const here = cross(from, to, p);
      const there = cross(from, to, next);
      const kept: Point[] = here >= 0 ? [p] : [];
      if (here * there < 0) {
        const t = here / (here - there);
        kept.push([p[0] + t * (next[0] - p[0]), p[1] + t * (next[1] - p[1])]);
      }
      return kept;
    });
  });
  return ring;
}

/** Area of a ring, in square units of its coordinates. */
export function ringArea(ring: Ring): number {
  const origin = ring[0];
  if (origin === undefined) return 0;
  // Relative to the first corner: products of UTM northings would lose digits.
  return Math.abs(ring.reduce((sum, p, i) => sum + cross(origin, p, ring[(i + 1) % ring.length] ?? p), 0)) / 2;
}

/** Centre of mass of a ring's area; the mean of its corners where it has none. */
export function ringCentroid(ring: Ring): Point {
  const [ox, oy] = ring[0] ?? [0, 0];
  let [sum, x, y] = [0, 0, 0];
  ring.forEach((p, i) => {
    const q = ring[(i + 1) % ring.length] ?? p;
    const w = (p[0] - ox) * (q[1] - oy) - (p[1] - oy) * (q[0] - ox);
    sum += w;
    x += w * (p[0] + q[0] - 2 * ox);
    y += w * (p[1] + q[1] - 2 * oy);
  });
  if (sum !== 0) return [ox + x / (3 * sum), oy + y / (3 * sum)];
  return [mean(ring.map((p) => p[0])), mean(ring.map((p) => p[1]))];
}

/** The box around rings; null where there is no point. */
export function boundsOf(rings: readonly Ring[]): GroundBox | null {
  const points = rings.flat();
  if (points.length === 0) return null;
  const box = { minE: Infinity, minN: Infinity, maxE: -Infinity, maxN: -Infinity };
  for (const [e, n] of points) {
    box.minE = Math.min(box.minE, e);
    box.minN = Math.min(box.minN, n);
    box.maxE = Math.max(box.maxE, e);
    box.maxN = Math.max(box.maxN, n);
  }
  return box;
}

/** A box as a counter-clockwise ring. */
export const boxRing = (b: GroundBox): Ring => [[b.minE, b.minN], [b.maxE, b.minN], [b.maxE, b.maxN], [b.minE, b.maxN]];

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);

/** A geographic ring with its edges split, so that they stay straight in longitude and latitude; counter-clockwise or not. */
export function densify(ring: Ring): Ring {
  return ring.flatMap((p, i) => {
    const q = ring[(i + 1) % ring.length] ?? p;
    return [0, 0.25, 0.5, 0.75].map((t): readonly [number, number] => [p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])]);
  });
}

/** Where the horizontal line at `y` crosses a ring, from west to east: between the first and the second it is inside, and so on. */
export function crossings(ring: Ring, y: number): number[] {
  const at: number[] = [];
  ring.forEach(([x0, y0], i) => {
    const [x1, y1] = ring[(i + 1) % ring.length] ?? [x0, y0];
    if ((y0 < y) !== (y1 < y)) at.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
  });
  return at.sort((a, b) => a - b);
}

/** Whether a place on a line lies inside the ring that crosses the line at `at`. */
export const isInside = (at: readonly number[], x: number): boolean => at.filter((crossing) => crossing <= x).length % 2 === 1;
