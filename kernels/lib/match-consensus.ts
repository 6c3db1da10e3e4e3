// SPDX-License-Identifier: Apache-2.0

/** A match in rectified coordinates. */
export interface RectMatch {
  readonly u1: number; readonly v1: number;
  readonly u2: number; readonly v2: number;
  readonly score: number;
}

/** Width of the interval of row shifts taken for one pointing error: its change over the window, and the matches' error. */
const agreementPx = 2;

/**
 * The matches whose row shifts v2 - v1 agree: those in the fullest interval 2 px wide. None where these are fewer than
 * `least`, or no more than chance could put there if wrong matches lay anywhere in the `searchedPx` rows searched.
 */
export function consensusShift(matches: readonly RectMatch[], searchedPx: number, least: number): RectMatch[] {
  const shifts = matches.map(({ v1, v2 }) => v2 - v1).sort((a, b) => a - b);
  let [best, bestCount] = [0, 0];
  for (let first = 0, end = 0; first < shifts.length; first += 1) {
    const low = shifts[first] ?? NaN;
    while (end < shifts.length && (shifts[end] ?? NaN) <= low + agreementPx) end += 1;
    if (end - first > bestCount) [best, bestCount] = [low, end - first];
  }
  const byChance = (shifts.length * agreementPx) / searchedPx;
  // A search of a few rows only can't tell agreement from chance; it is the guided one, and was told where to look.
  const distinguishes = searchedPx > 3 * agreementPx;
  if (bestCount < least || (distinguishes && bestCount < byChance + 4 * Math.sqrt(byChance))) return [];
  return matches.filter(({ v1, v2 }) => v2 - v1 >= best && v2 - v1 <= best + agreementPx);
}

/** Matches around a position that its shift is taken from. */
const neighbours = 5;

/**
 * The shift (u2 - u1, v2 - v1) at any position: the median of the five nearest matches', so that two wrong ones do no
 * harm. `spreadU`: how far the u shifts of neighbouring matches differ, the 90th percentile.
 */
export function shiftNear(matches: readonly RectMatch[]): {
  readonly shift: (u: number, v: number) => readonly [number, number];
  readonly spreadU: number;
} {
  const nearest = (u: number, v: number): RectMatch[] =>
    matches
      .map((match) => ({ match, distance: (match.u1 - u) ** 2 + (match.v1 - v) ** 2 }))
      .sort((a, b) => a.distance - b.distance)
      .slice(0, neighbours)
      .map(({ match }) => match);
  const shift = (u: number, v: number): readonly [number, number] => {
    const near = nearest(u, v);
    return [median(near.map(({ u1, u2 }) => u2 - u1)), median(near.map(({ v1, v2 }) => v2 - v1))];
  };
  const differences = matches.map(({ u1, v1, u2 }) => Math.abs(u2 - u1 - shift(u1, v1)[0])).sort((a, b) => a - b);
  return { shift, spreadU: differences[Math.floor(differences.length * 0.9)] ?? 0 };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[half] ?? NaN) : ((sorted[half - 1] ?? NaN) + (sorted[half] ?? NaN)) / 2;
}
