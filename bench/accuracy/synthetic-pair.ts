// SPDX-License-Identifier: Apache-2.0
import type { RectImage, SearchRange } from '@altiplano/kernels';

export interface SyntheticPair {
  readonly ref: RectImage;
  readonly sec: RectImage;
  /** True disparity of every reference pixel. */
  readonly truth: Float64Array;
  readonly range: SearchRange;
}

export interface SyntheticPairOptions {
  readonly width: number;
  readonly height: number;
  /** True disparity at reference (u, v); increasing by less than 1 px per pixel of u, so that nothing is hidden. */
  readonly disparityAt: (u: number, v: number) => number;
  /** Intensities of a 12-bit sensor: mean, standard deviation of the texture and of the noise. */
  readonly mean?: number; readonly contrast?: number; readonly noise?: number;
  /** What the secondary's sensor makes of an intensity. */
  readonly gain?: number; readonly bias?: number;
  readonly seed?: number;
}

/**
 * A rectified pair with exact sub-pixel truth: the texture is a sum of plane waves, so that both images are exact
 * samples of one continuous function, with no interpolation that would favour a matcher's own. Amplitudes fall with
 * frequency as a sensor's do (1/f times a Gaussian transfer function of 0.15 at the Nyquist frequency).
 */
export function syntheticPair(options: SyntheticPairOptions): SyntheticPair {
  const { width, height, disparityAt, mean = 600, contrast = 80, noise = 6, gain = 1.05, bias = 20, seed = 1 } = options;
  const random = uniform(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const textureAt = waves(random, 160, contrast);
  const truth = new Float64Array(width * height);
  let least = Infinity, most = -Infinity;
  for (let v = 0; v < height; v++) {
    for (let u = 0; u < width; u++) {
      const d = disparityAt(u, v);
      truth[v * width + u] = d;
      least = Math.min(least, d);
      most = Math.max(most, d);
    }
  }
  const low = Math.floor(least) - 4, count = Math.ceil(most) + 5 - low;
  const u0 = low - 8, secWidth = width + count + 16;
  const ref = new Float32Array(width * height), sec = new Float32Array(secWidth * height);
  for (let v = 0; v < height; v++) {
    for (let u = 0; u < width; u++) ref[v * width + u] = digitise(mean + textureAt(u, v) + noise * normal());
    for (let i = 0; i < secWidth; i++) {
      // The reference column that is seen at secondary column u0 + i: u + d(u) = x, a contraction.
      const x = u0 + i;
      let u = x;
      for (let step = 0; step < 60; step++) u = x - disparityAt(u, v);
      sec[v * secWidth + i] = digitise(bias + gain * (mean + textureAt(u, v)) + noise * normal());
    }
  }
  return {
    ref: { u0: 0, v0: 0, width, height, data: ref, valid: new Uint8Array(ref.length).fill(1) },
    sec: { u0, v0: 0, width: secWidth, height, data: sec, valid: new Uint8Array(sec.length).fill(1) },
    truth,
    range: { low: new Int16Array(width * height).fill(low), count, rowCounts: null },
  };
}

const digitise = (intensity: number): number => Math.max(0, Math.min(4095, Math.round(intensity)));

function waves(random: () => number, count: number, contrast: number): (u: number, v: number) => number {
  const list = Array.from({ length: count }, () => {
    const f = 0.01 * 50 ** random(); // log-uniform up to 0.5: 1/f amplitudes in two dimensions
    const angle = 2 * Math.PI * random();
    const transfer = Math.exp(Math.log(0.15) * (f / 0.5) ** 2);
    return {
      fu: 2 * Math.PI * f * Math.cos(angle), fv: 2 * Math.PI * f * Math.sin(angle),
      phase: 2 * Math.PI * random(), amplitude: transfer,
    };
  });
  const scale = contrast / Math.sqrt(list.reduce((sum, wave) => sum + wave.amplitude ** 2 / 2, 0));
  return (u, v) => {
    let sum = 0;
    for (const { fu, fv, phase, amplitude } of list) sum += amplitude * Math.cos(fu * u + fv * v + phase);
    return scale * sum;
  };
}

/** Uniform numbers in [0, 1): mulberry32. */
function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
