// SPDX-License-Identifier: Apache-2.0
import type { BenchPair } from '@altiplano/kernels/testing';
import { hashNormal, makeNoise, makeRandom, noiseAt } from '../scenes/random.js';

export interface TexturedPairOptions {
  /** Columns and rows of the reference. */
  readonly size: number;
  /** Candidates per pixel; the true disparities fill most of them. */
  readonly range: number;
  readonly bits: 8 | 12;
  readonly seed?: number;
}

export interface TexturedPair extends BenchPair {
  /** True disparities of the reference's pixels. */
  readonly truth: Float32Array;
  /** 1 where the secondary sees the same surface. */
  readonly seen: Uint8Array;
}

/** Grey values of a sensor of so many bits: mean, contrast of the texture, standard deviation of the noise, and the largest value. */
const sensors = { 8: { mean: 110, contrast: 45, noise: 2, most: 255 }, 12: { mean: 700, contrast: 300, noise: 6, most: 4095 } } as const;

/**
 * A rectified pair as a town on hilly ground gives it: rolling ground, flat roofs with steps of up to a quarter of the range at their walls,
 * what they hide in the secondary, texture of several scales that is a continuous function (so both images are exact samples of it),
 * a gain and an offset between the sensors, noise. The higher surface hides the lower one. Seeded: the same bytes everywhere.
 */
export function texturedPair({ size, range, bits, seed = 1 }: TexturedPairOptions): TexturedPair {
  const sensor = sensors[bits];
  const table = makeNoise(seed);
  const low = -Math.floor(range / 2), secWidth = size + range;
  const first = -2 * range, columns = size + 4 * range; // the scene reaches beyond the reference, so that the secondary is full
  const field = disparities(size, range, first, columns, seed, table);
  const textureAt = (u: number, v: number): number =>
    0.7 * noiseAt(table, u / 2.3, v / 2.3) + 0.4 * noiseAt(table, u / 5.1 + 77, v / 5.1) + 0.5 * noiseAt(table, u / 19 + 177, v / 19);
  const grey = (texture: number, noise: number): number =>
    Math.max(0, Math.min(sensor.most, Math.round(sensor.mean + sensor.contrast * texture + sensor.noise * noise)));

  const ref = new Float32Array(size * size), sec = new Float32Array(secWidth * size);
  const truth = new Float32Array(size * size), seen = new Uint8Array(size * size);
  const top = new Float32Array(secWidth), source = new Float32Array(secWidth);
  for (let v = 0; v < size; v++) {
    const at = (i: number): number => field[v * columns + i] ?? 0;
    top.fill(-Infinity);
    for (let i = 0; i + 1 < columns; i++) {
      const d = at(i), next = at(i + 1), x = first + i + d - low;
      const isStep = Math.abs(next - d) > 1; // a wall: nothing of it is seen from above
      const end = isStep ? x + 0.999 : x + 1 + next - d;
      for (let column = Math.max(0, Math.ceil(x)); column < end && column < secWidth; column++) {
        const share = isStep ? column - x : (column - x) / (end - x);
        const disparity = isStep ? d : d + share * (next - d);
        if (disparity <= (top[column] ?? 0)) continue;
        top[column] = disparity;
        source[column] = first + i + share;
      }
    }
    for (let x = 0; x < secWidth; x++) {
      // Ground that only the secondary sees has a texture of its own.
      const texture = Number.isFinite(top[x] ?? NaN) ? textureAt(source[x] ?? 0, v) : textureAt(x, v + 1000);
      sec[v * secWidth + x] = grey(1.05 * texture + 0.1, hashNormal(x, v, seed + 1));
    }
    for (let u = 0; u < size; u++) {
      const d = at(u - first);
      ref[v * size + u] = grey(textureAt(u, v), hashNormal(u, v, seed));
      truth[v * size + u] = d;
      seen[v * size + u] = (top[Math.round(u + d - low)] ?? -Infinity) <= d + 0.5 ? 1 : 0;
    }
  }
  return {
    ref, sec, low: new Int16Array(size * size).fill(low), width: size, height: size, secWidth, count: range, secOffset: -low,
    is8Bit: bits === 8, truth, seen,
  };
}

/** True disparities of `columns` columns from `first` on: ground over a third of the range, roofs above it, three pixels off the range's ends. */
function disparities(size: number, range: number, first: number, columns: number, seed: number, table: Float32Array): Float32Array {
  const random = makeRandom(seed);
  const low = -Math.floor(range / 2) + 3, high = low + range - 7;
  const field = new Float32Array(columns * size);
  for (let v = 0; v < size; v++) {
    for (let i = 0; i < columns; i++) {
      field[v * columns + i] = low + (high - low) * (0.25 + 0.22 * noiseAt(table, (first + i) / 260 + 9, v / 260 + 9));
    }
  }
  const roofs = Math.round((columns * size) / 3000);
  for (let n = 0; n < roofs; n++) {
    const width = Math.round(8 + 40 * random()), height = Math.round(8 + 40 * random());
    const left = Math.floor(random() * columns), above = Math.floor(random() * size);
    const slope = (random() - 0.5) * 0.1;
    const roof = (field[above * columns + left] ?? 0) + (0.03 + 0.22 * random()) * range;
    for (let v = above; v < Math.min(size, above + height); v++) {
      for (let i = left; i < Math.min(columns, left + width); i++) {
        const at = v * columns + i;
        field[at] = Math.min(high, Math.max(field[at] ?? 0, roof + slope * (i - left)));
      }
    }
  }
  return field;
}
