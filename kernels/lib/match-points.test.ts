// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { KernelArgumentError } from './errors.js';
import { detectCorners, matchPoints } from './match-points.js';
import type { RectImage } from './types.js';

/** Plane waves seen shifted by (du, dv), as a rectified block. */
function texture(u0: number, v0: number, width: number, height: number, du: number, dv: number): RectImage {
  const data = new Float32Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let sum = 100;
      for (let k = 1; k <= 30; k += 1) {
        const a = Math.sin(k * 12.9898) * 1.5;
        const b = Math.sin(k * 78.233) * 1.5;
        sum += 5 * Math.cos(a * (u0 + x - du) + b * (v0 + y - dv) + 2.4 * k);
      }
      data[y * width + x] = sum;
    }
  }
  return { u0, v0, width, height, data, valid: new Uint8Array(width * height).fill(1) };
}

const ref = texture(-40, 300, 160, 120, 0, 0);
const sec = texture(-50, 290, 180, 140, 7.25, -1.5);
const search = { ref, sec, radiusU: 12, radiusV: 4, patchRadius: 8, minScore: 0.8, minDistinct: 0.05 };

test('corners of a block match their counterparts to a fiftieth of a pixel', (t) => {
  const corners = detectCorners(ref, { maxPoints: 40, minDistancePx: 6, border: 12 });
  t.true(corners.length >= 40 && corners.length <= 80);
  const seeds = new Float64Array(corners.length * 2);
  for (let i = 0; i < corners.length / 2; i += 1) {
    const [u, v] = [corners[2 * i] ?? NaN, corners[2 * i + 1] ?? NaN];
    t.true(u >= -28 && u < 108 && v >= 312 && v < 408);
    seeds.set([u, v, u + 3, v], 4 * i);
  }
  const matches = matchPoints({ ...search, seeds });
  t.true(matches.length >= 6 * 0.25 * corners.length);
  for (let m = 0; m < matches.length; m += 6) {
    const [seed = -1, u1 = NaN, v1 = NaN, u2 = NaN, v2 = NaN, score = NaN] = matches.subarray(m, m + 6);
    t.deepEqual([u1, v1], [seeds[4 * seed], seeds[4 * seed + 1]]);
    t.true(Math.abs(u2 - u1 - 7.25) < 0.02 && Math.abs(v2 - v1 + 1.5) < 0.02);
    t.true(score > 0.99 && score <= 1.000001);
  }
});

test('bad arguments are refused by name', (t) => {
  const seeds = Float64Array.of(0, 340, 0, 340);
  const refused = (call: () => unknown, field: string): void => {
    const error = t.throws(call, { instanceOf: KernelArgumentError });
    t.true(error.message.includes(field), error.message);
  };
  refused(() => matchPoints({ ...search, seeds: Float64Array.of(1, 2, 3) }), 'seeds');
  refused(() => matchPoints({ ...search, seeds: Float64Array.of(1, 2, 3, NaN) }), 'seeds');
  refused(() => matchPoints({ ...search, seeds, radiusU: 0 }), 'radiusU');
  refused(() => matchPoints({ ...search, seeds, patchRadius: 33 }), 'patchRadius');
  refused(() => matchPoints({ ...search, seeds, minScore: NaN }), 'minScore');
  refused(() => matchPoints({ ...search, seeds, sec: { ...sec, width: 181 } }), 'sec.data');
  refused(() => detectCorners(ref, { maxPoints: 0, minDistancePx: 6, border: 12 }), 'maxPoints');
  refused(() => detectCorners({ ...ref, valid: new Uint8Array(1) }, { maxPoints: 1, minDistancePx: 6, border: 12 }), 'image.valid');
});
