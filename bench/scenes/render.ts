// SPDX-License-Identifier: Apache-2.0
import { traceSolids } from './objects.js';
import { hashNormal } from './random.js';
import { groundRadiance, solidRadiance } from './shade.js';
import { meetGround } from './terrain.js';
import { type View, rayAt } from './view.js';
import type { World } from './world.js';

/** How an image is taken. */
export interface Exposure {
  /** Rays per pixel along each axis. */
  readonly samples: number;
  /** Standard deviation of the noise at `meanDn`, DN: half its variance read noise, half shot noise. */
  readonly noise: number;
  readonly seed: number;
}

/** Blur of optics and detector, standard deviation in pixels: an MTF near 0.35 at the Nyquist frequency. */
const psfSigma = 0.46;
const meanDn = 750;

/**
 * Renders rows [row0, row0 + count) of a view into `image` (the whole image, uint16): per pixel samples x samples
 * rays on a regular lattice, weighted by a Gaussian three pixels wide. Pixel (0, 0) is centred on itself: its own rays
 * lie symmetric around the ray of (0, 0). Every value depends on its pixel only, so any split into blocks gives the same bytes.
 */
export function renderRows(world: World, view: View, exposure: Exposure, image: Uint16Array, row0: number, count: number): void {
  const { samples, noise, seed } = exposure;
  const { width } = view;
  const taps = gaussianTaps(samples);
  const rays = new Float32Array((width + 2) * samples);
  const line = new Float64Array(width);
  const sums = new Float64Array(count * width);
  for (let s = (row0 - 1) * samples; s < (row0 + count + 1) * samples; s++) {
    renderLine(world, view, (s + 0.5) / samples - 0.5, samples, rays);
    for (let c = 0; c < width; c++) {
      let sum = 0;
      for (let t = 0; t < taps.length; t++) sum += (taps[t] ?? 0) * (rays[c * samples + t] ?? 0);
      line[c] = sum;
    }
    // Row r takes the rays of rows r - 1, r and r + 1: this one is tap s - (r - 1) samples of it.
    const middle = Math.floor(s / samples);
    for (let r = Math.max(row0, middle - 1); r <= Math.min(row0 + count - 1, middle + 1); r++) {
      const weight = taps[s - (r - 1) * samples] ?? 0;
      const to = (r - row0) * width;
      for (let c = 0; c < width; c++) sums[to + c] = (sums[to + c] ?? 0) + weight * (line[c] ?? 0);
    }
  }
  for (let r = 0; r < count; r++) {
    for (let c = 0; c < width; c++) {
      const signal = sums[r * width + c] ?? 0;
      const sigma = noise * Math.sqrt(0.5 + (0.5 * signal) / meanDn);
      const dn = sigma === 0 ? signal : signal + sigma * hashNormal(c, row0 + r, seed);
      image[(row0 + r) * width + c] = Math.min(4095, Math.max(1, Math.round(dn)));
    }
  }
}

/** Weights of 3 samples rays centred on a pixel, sum 1. */
function gaussianTaps(samples: number): Float64Array {
  const taps = Float64Array.from({ length: 3 * samples }, (_, k) => Math.exp(-((((k + 0.5) / samples - 1.5) / psfSigma) ** 2) / 2));
  const sum = taps.reduce((a, b) => a + b, 0);
  return taps.map((w) => w / sum);
}

/** Radiance along one line of rays at image row `row` (may be a fraction), from column -1 to width. */
function renderLine(world: World, view: View, row: number, samples: number, out: Float32Array): void {
  const ray = new Float64Array(6);
  const hit = new Float64Array(1);
  const { reference } = view;
  let z = reference;
  for (let s = 0; s < out.length; s++) {
    rayAt(view, (s + 0.5) / samples - 1.5, row, ray);
    const x0 = ray[0] ?? 0;
    const x1 = ray[1] ?? 0;
    const x2 = ray[2] ?? 0;
    const y0 = ray[3] ?? 0;
    const y1 = ray[4] ?? 0;
    const y2 = ray[5] ?? 0;
    z = meetGround(world.terrain, x0, x1, x2, y0, y1, y2, reference, z);
    const h = z - reference;
    const x = x0 + (x1 + x2 * h) * h;
    const y = y0 + (y1 + y2 * h) * h;
    // Over the height of a solid the ray is straight to micrometres.
    const tx = x1 + 2 * x2 * h;
    const ty = y1 + 2 * y2 * h;
    const solid = traceSolids(world.solids, x, y, z, tx, ty, hit);
    if (solid < 0) out[s] = groundRadiance(world, x, y);
    else {
      const up = hit[0] ?? 0;
      out[s] = solidRadiance(world, solid, x + tx * up, y + ty * up, z + up, hit);
    }
  }
}
