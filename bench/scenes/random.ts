// SPDX-License-Identifier: Apache-2.0
/**
 * Seeded random numbers and noise that are the same on every machine and in every thread.
 * Sources: mulberry32 by T. Ettinger (public domain generator); integer hash finalizer after murmur3 (A. Appleby).
 */

/** A stream of uniform numbers in [0, 1). */
export type Random = () => number;

/** mulberry32: 32 bits of state, enough for placing houses. */
export function makeRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A uniform number in [0, 1) that depends on the integers only: for pixels and cells computed in any order. */
export function hash01(a: number, b: number, c: number): number {
  let h = Math.imul(a | 0, 0x9e3779b1) ^ Math.imul(b | 0, 0x85ebca6b) ^ Math.imul(c | 0, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 4294967296;
}

/** A standard normal number per triple of integers (Box and Muller 1958). */
export function hashNormal(a: number, b: number, c: number): number {
  const u = 1 - hash01(a, b, c);
  return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * hash01(a ^ 0x5bd1e995, b, c));
}

const side = 512;

/** A periodic table of uniform numbers in [-1, 1], 512 x 512, shared between threads. */
export function makeNoise(seed: number): Float32Array {
  const table = new Float32Array(new SharedArrayBuffer(side * side * 4));
  const random = makeRandom(seed);
  for (let i = 0; i < table.length; i++) table[i] = 2 * random() - 1;
  return table;
}

/** Smooth value noise in [-1, 1] with one lattice point per unit of x and y, period 512; continuous slope. */
export function noiseAt(table: Float32Array, x: number, y: number): number {
  const xi = Math.floor(x);
  const yi = Math.floor(y);
  const fx = x - xi;
  const fy = y - yi;
  const sx = fx * fx * (3 - 2 * fx);
  const sy = fy * fy * (3 - 2 * fy);
  const x0 = xi & 511;
  const x1 = (xi + 1) & 511;
  const row0 = (yi & 511) << 9;
  const row1 = ((yi + 1) & 511) << 9;
  const a = table[row0 | x0] ?? 0;
  const b = table[row0 | x1] ?? 0;
  const c = table[row1 | x0] ?? 0;
  const d = table[row1 | x1] ?? 0;
  const top = a + (b - a) * sx;
  return top + (c + (d - c) * sx - top) * sy;
}
