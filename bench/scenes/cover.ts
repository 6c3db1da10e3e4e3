// SPDX-License-Identifier: Apache-2.0
import { hash01, noiseAt } from './random.js';
import type { TerrainKind } from './terrain.js';
import { type BlockKind, type Street, type Town, sidewalkM } from './town.js';

/** What the ground is made of: a function of the place only, so that every image shows the same. */
export interface Cover {
  readonly kind: TerrainKind; readonly seed: number;
  readonly town: Town | null;
  readonly noise: Float32Array;
  /** Spacing of the finest texture, metres: a little above the images' ground sample distance. */
  readonly grainM: number;
}

/** Albedo (0 to 1) of the ground at a place with this slope (metres per metre). */
export function groundAlbedo(cover: Cover, x: number, y: number, slope: number): number {
  if (cover.town !== null) return townAlbedo(cover, cover.town, x, y);
  return cover.kind === 'mountains' ? mountainAlbedo(cover, x, y, slope) : countryAlbedo(cover, x, y);
}

/** Meadow and scrub, and scree and rock where it gets steep, along ragged edges. */
function mountainAlbedo(cover: Cover, x: number, y: number, slope: number): number {
  const { noise } = cover;
  const g = grain(cover, x, y);
  const ragged = noiseAt(noise, x / 41, y / 41) + 0.6 * noiseAt(noise, x / 13 + 9, y / 13) + 0.4 * noiseAt(noise, x / 4.1, y / 4.1 + 5);
  const rock = Math.min(1, Math.max(0, (slope - 0.62 + 0.16 * ragged) * 6));
  const scrub = Math.min(1, Math.max(0, (noiseAt(noise, x / 90 + 3, y / 90) + 0.5 * ragged - 0.25) * 4));
  const clump = noiseAt(noise, x / 3.1, y / 3.1) + 0.7 * noiseAt(noise, x / 1.4 + 19, y / 1.4);
  const meadow = 0.2 * (1 + 0.4 * g) * (1 + 0.22 * ragged);
  const low = meadow + (0.095 * (1 + 0.35 * g) * (1 + 0.5 * clump) - meadow) * scrub;
  return rock === 0 ? low : low + (rockAlbedo(cover, x, y) - low) * rock;
}

/** Relative grain: five octaves from the finest spacing up, turned against each other so that no lattice shows. */
export function grain({ noise, grainM }: Cover, x: number, y: number): number {
  const s = 1 / grainM;
  return 0.34 * noiseAt(noise, x * s, y * s)
    + 0.28 * noiseAt(noise, (0.8 * x + 0.6 * y) * s * 0.47 + 31, (0.8 * y - 0.6 * x) * s * 0.47)
    + 0.26 * noiseAt(noise, (0.3 * x + 0.95 * y) * s * 0.19, (0.3 * y - 0.95 * x) * s * 0.19 + 57)
    + 0.24 * noiseAt(noise, x * s * 0.071 + 7, y * s * 0.071)
    + 0.22 * noiseAt(noise, x * s * 0.023, y * s * 0.023 + 91);
}

function rockAlbedo(cover: Cover, x: number, y: number): number {
  const crack = Math.abs(noiseAt(cover.noise, (0.9 * x + 0.44 * y) / 9, (0.9 * y - 0.44 * x) / 3.3)) + Math.abs(noiseAt(cover.noise, x / 2.7, y / 2.2));
  return 0.24 * (1 + 0.55 * grain(cover, x, y)) * (0.62 + 0.55 * Math.min(1, crack));
}

const parcelM = 74;
const crops = [0.11, 0.14, 0.17, 0.2, 0.24, 0.3, 0.36];

/** Fields: the cells around scattered points (Worley 1996), ploughed their own way, with tracks and hedges between. */
function countryAlbedo(cover: Cover, x: number, y: number): number {
  const { seed, noise } = cover;
  const px = x / parcelM + 0.12 * noiseAt(noise, x / 60, y / 60);
  const py = y / (0.8 * parcelM) + 0.12 * noiseAt(noise, x / 60 + 40, y / 60);
  const ix = Math.floor(px);
  const iy = Math.floor(py);
  let first = Infinity;
  let second = Infinity;
  let id = 0;
  for (let j = iy - 1; j <= iy + 1; j++) {
    for (let i = ix - 1; i <= ix + 1; i++) {
      const dx = i + hash01(i, j, seed) - px;
      const dy = j + hash01(i, j, seed + 1) - py;
      const d = dx * dx + dy * dy;
      if (d < first) {
        second = first;
        first = d;
        id = (i * 7919) ^ (j * 104729);
      } else if (d < second) second = d;
    }
  }
  const edge = (Math.sqrt(second) - Math.sqrt(first)) * parcelM;
  const g = grain(cover, x, y);
  if (edge < 2.6) return hash01(id, 3, seed) < 0.45 ? 0.3 * (1 + 0.22 * g) : 0.085 * (1 + 0.9 * g);
  const use = hash01(id, 5, seed);
  if (use < 0.16) {
    // Woods and scrub: dark, clumpy.
    const clump = noiseAt(noise, x / 3.1, y / 3.1) + 0.7 * noiseAt(noise, x / 1.4 + 19, y / 1.4);
    return 0.085 * (1 + 0.35 * g) * (1 + 0.55 * clump);
  }
  const angle = Math.PI * hash01(id, 7, seed);
  const period = 2.4 + 3 * hash01(id, 9, seed);
  const across = x * Math.cos(angle) + y * Math.sin(angle) + 0.8 * noiseAt(noise, x / 23, y / 23);
  const rows = (use < 0.6 ? 0.11 : 0.03) * Math.sin((2 * Math.PI * across) / period);
  return (crops[Math.floor(hash01(id, 11, seed) * crops.length)] ?? 0.2) * (1 + 0.24 * g + rows);
}

const yards: Readonly<Record<BlockKind, number>> = { park: 0.13, suburb: 0.15, centre: 0.2, works: 0.26 };

function townAlbedo(cover: Cover, town: Town, x: number, y: number): number {
  const { cos, sin } = town;
  const u = (x - town.midX) * cos + (y - town.midY) * sin;
  const v = (y - town.midY) * cos - (x - town.midX) * sin;
  const i = behind(town.u, u);
  const j = behind(town.v, v);
  const g = grain(cover, x, y);
  const du = kerb(town.u, i, u);
  const dv = kerb(town.v, j, v);
  const d = Math.min(du, dv);
  if (d < 0) return streetAlbedo(cover, du < dv ? v : u, d, Math.max(du, dv) > 0) * (1 + 0.2 * g);
  if (d < sidewalkM) return 0.26 * (1 + 0.16 * g);
  const kind = town.blocks[j * (town.u.length - 1) + i] ?? 'suburb';
  // Gardens and yards: patches with sharp edges, lawn, gravel, beds.
  const patchU = Math.floor(u / 13 + 0.3 * noiseAt(cover.noise, u / 17, v / 17));
  const patchV = Math.floor(v / 11 + 0.3 * noiseAt(cover.noise, u / 17 + 50, v / 17));
  const patch = 0.7 + 0.8 * hash01(patchU, patchV, cover.seed) ** 2;
  return yards[kind] * patch * (1 + (kind === 'park' || kind === 'suburb' ? 0.42 : 0.22) * g);
}

/** Index of the last street at or before `at`. */
function behind(streets: readonly Street[], at: number): number {
  let low = 0;
  let high = streets.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((streets[middle]?.at ?? 0) <= at) low = middle;
    else high = middle;
  }
  return low;
}

/** Distance from the nearest kerb of the two streets around; negative on the street. */
function kerb(streets: readonly Street[], index: number, at: number): number {
  const a = streets[index];
  const b = streets[index + 1];
  return Math.min(a === undefined ? Infinity : Math.abs(at - a.at) - a.half, b === undefined ? Infinity : Math.abs(b.at - at) - b.half);
}

/** Asphalt with a dashed middle line, and painted cars (flat: the truth has none) along the kerb; `d` from the kerb, negative. */
function streetAlbedo(cover: Cover, alongM: number, d: number, betweenCrossings: boolean): number {
  if (betweenCrossings && d > -2.1 && d < -0.3) {
    const slot = Math.floor(alongM / 5.6);
    const at = alongM - slot * 5.6;
    if (at > 0.7 && at < 4.9 && hash01(slot, Math.round(d / 50) + 3, cover.seed + 17) < 0.35) {
      const paint = hash01(slot, 5, cover.seed + 19);
      return at > 1.8 && at < 2.7 ? 0.05 : 0.05 + 0.55 * paint * paint;
    }
  }
  if (betweenCrossings && d < -4.3 && d > -4.9 && ((alongM % 9) + 9) % 9 < 4) return 0.28;
  return 0.1;
}
