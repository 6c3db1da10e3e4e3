// SPDX-License-Identifier: Apache-2.0

/** Tells all values to `visit`, some at a time and in any order; their array may be filled anew after the call. */
export type Feed = (visit: (values: Float64Array) => void) => void;

/** Few enough to be sorted. */
const few = 4096;
/** A value's 64 bits are three digits of so many values each, the most significant first. */
const digitValues = [2 ** 21, 2 ** 21, 2 ** 22] as const;
type Level = 0 | 1 | 2;

/**
 * The values of some ranks (0 = the smallest) among `count` that the feed tells, as sorting them would put them there, to the bit; -0 lies before 0.
 * None may be NaN, and the feed has to tell the same values each time. Radix selection on the bits: values are counted by their first digit, and
 * only those with a digit that holds a rank are gathered and looked into. Two passes over all; memory: what is gathered, and 12 MB.
 */
export function valuesAtRanks(feed: Feed, count: number, ranks: readonly number[]): number[] {
  const found = new Map<number, number>();
  select(feed, count, [...new Set(ranks)].sort((a, b) => a - b), 0, (rank, value) => found.set(rank, value));
  return ranks.map((rank) => found.get(rank) ?? NaN);
}

function select(feed: Feed, count: number, ranks: readonly number[], level: Level, found: (rank: number, value: number) => void): void {
  if (count <= few) {
    const sorted = new Float64Array(count);
    let filled = 0;
    feed((values) => { sorted.set(values, filled); filled += values.length; });
    sorted.sort();
    for (const rank of ranks) found(rank, sorted[rank] ?? NaN);
    return;
  }
  const buckets = bucketsOf(countDigits(feed, level), ranks);
  gather(feed, buckets, level).forEach((values, i) => {
    const { first, ranks: wanted } = buckets[i] ?? { first: 0, ranks: [] };
    // After the last digit all are equal.
    if (level === 2) for (const rank of wanted) found(rank, values[0] ?? NaN);
    else select((visit) => { visit(values); }, values.length, wanted.map((rank) => rank - first), level === 0 ? 1 : 2, (rank, value) => { found(first + rank, value); });
  });
}

/** Values with the same digit, of which `ranks` are wanted; `first` is the smallest one's rank. */
interface Bucket { readonly digit: number; readonly first: number; readonly count: number; readonly ranks: readonly number[] }

function countDigits(feed: Feed, level: Level): Uint32Array {
  const counts = new Uint32Array(digitValues[level]);
  feed((values) => {
    const words = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
    for (let i = 0; i < words.length; i += 2) {
      const digit = digitOf(words[i + 1] ?? 0, words[i] ?? 0, level);
      counts[digit] = (counts[digit] ?? 0) + 1;
    }
  });
  return counts;
}

/** The buckets that hold any of the ascending ranks. */
function bucketsOf(counts: Uint32Array, ranks: readonly number[]): Bucket[] {
  const buckets: Bucket[] = [];
  let next = 0, first = 0;
  for (let digit = 0; digit < counts.length && next < ranks.length; digit++) {
    const count = counts[digit] ?? 0;
    const inside: number[] = [];
    for (let rank = ranks[next]; rank !== undefined && rank < first + count; rank = ranks[++next]) inside.push(rank);
    if (inside.length > 0) buckets.push({ digit, first, count, ranks: inside });
    first += count;
  }
  return buckets;
}

function gather(feed: Feed, buckets: readonly Bucket[], level: Level): Float64Array[] {
  const gathered = buckets.map(({ count }) => new Float64Array(count));
  const filled = new Uint32Array(buckets.length);
  /** By digit: the number of its bucket from 1, 0 = none. */
  const bucketOf = new Uint8Array(digitValues[level]);
  buckets.forEach(({ digit }, i) => { bucketOf[digit] = i + 1; });
  feed((values) => {
    const words = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
    for (let i = 0; i < values.length; i++) {
      const bucket = (bucketOf[digitOf(words[2 * i + 1] ?? 0, words[2 * i] ?? 0, level)] ?? 0) - 1;
      if (bucket < 0) continue;
      const into = gathered[bucket], at = filled[bucket] ?? 0;
      if (into !== undefined) into[at] = values[i] ?? NaN;
      filled[bucket] = at + 1;
    }
  });
  return gathered;
}

/** A digit of a double, given as its high and low 32 bits (it lies low word first): with the sign turned over, and a negative one's other bits too, bits are in the order of values. */
function digitOf(high: number, low: number, level: Level): number {
  const negative = high >> 31;
  const upper = high ^ (negative | 0x80000000), lower = low ^ negative;
  if (level === 0) return upper >>> 11;
  return level === 1 ? ((upper & 0x7ff) << 10) | (lower >>> 22) : lower & 0x3fffff;
}
