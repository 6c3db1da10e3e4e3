// SPDX-License-Identifier: Apache-2.0
import { makeNoise, noiseAt } from './random.js';

export type TerrainKind = 'flat' | 'city' | 'hills' | 'mountains';

/**
 * Ground heights at posts on a square grid, bilinear in between: that IS the ground, exactly. Coordinates are
 * metres east and north of the world's south-west corner; row 0 is the southernmost.
 */
export interface Terrain {
  readonly spacing: number; readonly cols: number; readonly rows: number;
  readonly posts: Float32Array;
  readonly low: number; readonly high: number;
  /** The steepest edge between posts, metres per metre. */
  readonly maxSlope: number;
}

export interface TerrainRequest {
  readonly kind: TerrainKind; readonly seed: number;
  readonly spacing: number; readonly cols: number; readonly rows: number;
  /** Metres between the lowest and the highest post. */
  readonly relief: number;
  /** Altitude of the middle between them. */
  readonly altitude: number;
}

/** Slopes above this are worn down by taking away small shapes (50 degrees). */
const steepest = 1.19;

export function makeTerrain(request: TerrainRequest): Terrain {
  const { kind, spacing, cols, rows, relief, altitude } = request;
  const noise = makeNoise(request.seed ^ 0x7e44a1);
  const extent = Math.max(cols, rows) * spacing;
  for (let detail = 1; ; detail *= 0.7) {
    const shape = shapes[kind](noise, extent, detail);
    const posts = new Float32Array(new SharedArrayBuffer(cols * rows * 4));
    let [low, high] = [Infinity, -Infinity];
    for (let j = 0, k = 0; j < rows; j++) {
      for (let i = 0; i < cols; i++, k++) {
        const z = shape(i * spacing, j * spacing);
        posts[k] = z;
        low = Math.min(low, z);
        high = Math.max(high, z);
      }
    }
    for (let k = 0; k < posts.length; k++) posts[k] = altitude + (((posts[k] ?? 0) - low) / (high - low) - 0.5) * relief;
    const maxSlope = steepestEdge(posts, cols, rows) / spacing;
    if (maxSlope <= steepest || detail < 0.01) return { spacing, cols, rows, posts, low: altitude - relief / 2, high: altitude + relief / 2, maxSlope };
  }
}

type Shape = (x: number, y: number) => number;

/** Height up to an affine change; `detail` scales everything but the largest shapes. */
const shapes: Readonly<Record<TerrainKind, (noise: Float32Array, extent: number, detail: number) => Shape>> = {
  flat: (noise) => (x, y) => 0.012 * x + 0.007 * y + 1.2 * noiseAt(noise, x / 230, y / 230),
  city: (noise) => (x, y) => 0.010 * x - 0.006 * y + 2.2 * noiseAt(noise, x / 310, y / 310) + 0.5 * noiseAt(noise, x / 97 + 9, y / 97),
  hills: (noise, extent, detail) => {
    const large = Math.min(420, extent / 2);
    return (x, y) => {
      const warp = 0.35 * noiseAt(noise, x / large + 77, y / large);
      let z = noiseAt(noise, x / large + warp, y / large - warp);
      for (let k = 1; k < 5; k++) {
        z += detail * 0.42 ** k * noiseAt(noise, (x * 0.8 + y * 0.6) * (2.1 ** k / large) + 31 * k, (y * 0.8 - x * 0.6) * (2.1 ** k / large));
      }
      return z;
    };
  },
  // A flank that rises through the whole scene, ridges and valleys on it, and ever smaller shapes down to 20 m. Every
  // octave is turned against the last, and bent by the shapes above it, so that no lattice shows.
  mountains: (noise, extent, detail) => (x, y) => {
    const u = x / extent;
    const v = y / extent;
    let z = 0.9 * u + 1.2 * v;
    let size = 0.46;
    let gain = 0.75;
    let bend = 0.3 * noiseAt(noise, u * 1.7 + 5, v * 1.7);
    for (let k = 0; size * extent > 20; k++) {
      const cos = Math.cos(0.7 * k + 0.4);
      const sin = Math.sin(0.7 * k + 0.4);
      const n = noiseAt(noise, (u * cos + v * sin) / size + bend + 17 * k, (v * cos - u * sin) / size - bend + 5 * k);
      const shape = k < 3 ? 1 - 2 * Math.sqrt(n * n + 0.01) : 0.9 * n;
      z += detail * gain * shape;
      bend = 0.45 * bend + 0.35 * shape;
      size *= 0.5;
      gain *= 0.45;
    }
    return z;
  },
};

function steepestEdge(posts: Float32Array, cols: number, rows: number): number {
  let steep = 0;
  for (let j = 1; j < rows; j++) {
    for (let i = 1; i < cols; i++) {
      const k = j * cols + i;
      const dx = (posts[k] ?? 0) - (posts[k - 1] ?? 0);
      const dy = (posts[k] ?? 0) - (posts[k - cols] ?? 0);
      steep = Math.max(steep, dx * dx + dy * dy);
    }
  }
  return Math.sqrt(steep);
}

/** Ground height; outside the posts the border patch goes on. */
export function groundAt(terrain: Terrain, x: number, y: number): number {
  const { posts, cols, rows, spacing } = terrain;
  const px = x / spacing;
  const py = y / spacing;
  const i = Math.min(cols - 2, Math.max(0, Math.floor(px)));
  const j = Math.min(rows - 2, Math.max(0, Math.floor(py)));
  const k = j * cols + i;
  const fx = px - i;
  const fy = py - j;
  const a = posts[k] ?? 0;
  const b = posts[k + 1] ?? 0;
  const c = posts[k + cols] ?? 0;
  const d = posts[k + cols + 1] ?? 0;
  const south = a + (b - a) * fx;
  return south + (c + (d - c) * fx - south) * fy;
}

/**
 * Height at which the line (x, y)(h) = (x0 + x1 h + x2 h2, y0 + y1 h + y2 h2), h = height - reference, meets the ground,
 * started at `guess`. h - ground(h) grows with h as long as slope times lean is below 1 (makeScene sees to that), so
 * there is exactly one such height and the ground never hides ground: Newton steps, then halving if they don't settle.
 */
export function meetGround(t: Terrain, x0: number, x1: number, x2: number, y0: number, y1: number, y2: number, reference: number, guess: number): number {
  const { posts, cols, rows, spacing } = t;
  let h = guess - reference;
  for (let n = 0; n < 12; n++) {
    const px = (x0 + (x1 + x2 * h) * h) / spacing;
    const py = (y0 + (y1 + y2 * h) * h) / spacing;
    const i = Math.min(cols - 2, Math.max(0, Math.floor(px)));
    const j = Math.min(rows - 2, Math.max(0, Math.floor(py)));
    const k = j * cols + i;
    const fx = px - i;
    const fy = py - j;
    const a = posts[k] ?? 0;
    const b = posts[k + 1] ?? 0;
    const c = posts[k + cols] ?? 0;
    const d = posts[k + cols + 1] ?? 0;
    const south = a + (b - a) * fx;
    const north = c + (d - c) * fx;
    const miss = h + reference - (south + (north - south) * fy);
    if (miss < 1e-6 && miss > -1e-6) return h + reference;
    const gx = (b - a + (d - c - b + a) * fy) / spacing;
    const gy = (north - south) / spacing;
    h -= miss / (1 - gx * (x1 + 2 * x2 * h) - gy * (y1 + 2 * y2 * h));
  }
  let [low, high] = [t.low - reference - 1, t.high - reference + 1];
  while (high - low > 1e-6) {
    h = (low + high) / 2;
    const miss = h + reference - groundAt(t, x0 + (x1 + x2 * h) * h, y0 + (y1 + y2 * h) * h);
    if (miss > 0) high = h;
    else low = h;
  }
  return (low + high) / 2 + reference;
}
