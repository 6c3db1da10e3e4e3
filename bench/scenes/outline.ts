// SPDX-License-Identifier: Apache-2.0

export type Place = readonly [x: number, y: number];

/** Convex hull of places, counter-clockwise (Andrew's monotone chain, 1979). */
export function convexHull(places: readonly Place[]): Place[] {
  const sorted = places.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = (ordered: readonly Place[]): Place[] => {
    const chain: Place[] = [];
    for (const c of ordered) {
      for (let [a, b] = [chain.at(-2), chain.at(-1)]; a && b && !turnsLeft(a, b, c); [a, b] = [chain.at(-2), chain.at(-1)]) chain.pop();
      chain.push(c);
    }
    return chain.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.toReversed())];
}

const turnsLeft = (a: Place, b: Place, c: Place): boolean => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) > 0;

/** From where to where in x a convex polygon reaches between y - margin and y + margin, the margin added; null beside it. */
export function spanAt(hull: readonly Place[], y: number, margin: number): readonly [number, number] | null {
  let [from, to] = [Infinity, -Infinity];
  hull.forEach((a, k) => {
    const b = hull[(k + 1) % hull.length] ?? a;
    const low = Math.max(y - margin, Math.min(a[1], b[1]));
    const high = Math.min(y + margin, Math.max(a[1], b[1]));
    if (low > high) return;
    for (const at of [low, high]) {
      const ends = a[1] === b[1] ? [a[0], b[0]] : [a[0] + ((at - a[1]) / (b[1] - a[1])) * (b[0] - a[0])];
      from = Math.min(from, ...ends);
      to = Math.max(to, ...ends);
    }
  });
  return from > to ? null : [from - margin, to + margin];
}
