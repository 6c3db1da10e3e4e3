// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { type Solid, packSolids, topAt, traceSolids } from './objects.js';

const real = (min: number, max: number): fc.Arbitrary<number> => fc.double({ min, max, noNaN: true });
const solid: fc.Arbitrary<Solid> = fc.record({
  kind: fc.constantFrom('box' as const, 'dome' as const),
  x: real(20, 60), y: real(20, 60), angle: real(0, 3.1), hx: real(1, 12), hy: real(1, 12), top: real(6, 40), shape: real(0.1, 0.5),
  albedo: fc.constant(0.2), style: fc.constant(0), base: fc.constant(0),
}).map((s) => (s.kind === 'dome' ? { ...s, shape: s.shape * 10 } : s.shape < 0.2 ? { ...s, shape: 0 } : s));

test('a traced hit is the first surface seen from above along the line', (t) => {
  fc.assert(fc.property(fc.array(solid, { minLength: 1, maxLength: 8 }), real(10, 70), real(10, 70), real(0, 10), real(-0.9, 0.9), real(-0.9, 0.9), (solids, x, y, z, tx, ty) => {
    const set = packSolids(solids, 80, 80);
    const hit = new Float64Array(1);
    const found = traceSolids(set, x, y, z, tx, ty, hit);
    const inside = (up: number): boolean => z + up < topAt(set, x + tx * up, y + ty * up);
    const at = hit[0] ?? NaN;
    // Above the hit the line is in the open. It may leave the 80 m of bins: then it is open.
    for (let up = 0.005; up < 45; up += 0.01) {
      if (up > at + 1e-6 && inside(up)) return false;
    }
    // The hit itself is on a solid: inside once all have grown by a micrometre.
    const grown = packSolids(solids.map((s) => ({ ...s, hx: s.hx + 1e-6, hy: s.hy + 1e-6, top: s.top + 1e-6 })), 80, 80);
    return found < 0 || z + at < topAt(grown, x + tx * at, y + ty * at);
  }), { numRuns: 300 });
  t.pass();
});

test('the top surface of an L of two gabled boxes is their higher one', (t) => {
  const box = { kind: 'box' as const, angle: 0, albedo: 0.2, style: 1, base: 0 };
  const set = packSolids([{ ...box, x: 40, y: 40, hx: 8, hy: 4, top: 10, shape: 0.5 }, { ...box, x: 44, y: 46, hx: 3, hy: 6, top: 6, shape: 0 }], 80, 80);
  t.is(topAt(set, 40, 40), 10);
  t.is(topAt(set, 40, 42), 9);
  t.is(topAt(set, 44, 43.9), 8.05);
  t.is(topAt(set, 44, 50), 6);
  t.is(topAt(set, 30, 30), -Infinity);
});
