// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { convexHull, dilate, extentArea, extentsOf, moved, rowSpans, spansOf, trimmed } from './row-extents.js';

const corner = fc.double({ min: -30, max: 30, noNaN: true });
const square = Float64Array.of(0, 0, 10, 0, 10, 10, 0, 10);

test('the hull of a square and what lies in it is the square, counter-clockwise', (t) => {
  t.deepEqual(convexHull(Float64Array.of(10, 10, 5, 5, 0, 0, 10, 0, 3, 9, 0, 10, 5, 0)), square);
});

test('a pixel is in the extents of a dilated hull when it is within the radius of a point, never when it is a pixel further off', (t) => {
  t.notThrows(() => fc.assert(fc.property(fc.array(corner, { minLength: 2, maxLength: 2 }), fc.double({ min: 1, max: 20, noNaN: true }), ([u = 0, v = 0], radius) => {
    const block = { u0: -60, v0: -60, width: 121, height: 121 };
    const extents = extentsOf(block, rowSpans(dilate(Float64Array.of(u, v), radius), block));
    for (let row = 0; row < block.height; row++) {
      for (let col = 0; col < block.width; col++) {
        const distance = Math.hypot(block.u0 + col - u, block.v0 + row - v);
        const isIn = col >= (extents[2 * row] ?? 0) && col < (extents[2 * row + 1] ?? 0);
        if (distance <= radius - 1e-9 && !isIn) return false;
        if (distance > radius * 1.02 + 1 && isIn) return false;
      }
    }
    return true;
  })));
});

test('spans that are moved and cut stay those of the block, and rows they miss are empty', (t) => {
  const block = { u0: -2, v0: -3, width: 10, height: 20 };
  const extents = extentsOf(block, moved(rowSpans(square, block), -1, -4));
  t.deepEqual(Array.from(extents.subarray(0, 8)), [0, 0, 0, 0, 0, 0, 1, 9]);
  t.is(extentArea(extents), 11 * 8);
  t.deepEqual(Array.from(spansOf(block, extents).first.subarray(2, 4)), [Infinity, -1]);
});

test('a trimmed block has no empty rim, and nothing is left of an empty one', (t) => {
  const block = { u0: -2, v0: -3, width: 10, height: 20 };
  const extents = extentsOf(block, rowSpans(Float64Array.of(1, 1, 3, 1, 1, 2), block));
  t.deepEqual(trimmed(block, extents), { rect: { u0: 1, v0: 1, width: 3, height: 2 }, extents: Int32Array.of(0, 3, 0, 1) });
  t.is(trimmed(block, extents, true).rect.height, 20);
  t.is(trimmed(block, new Int32Array(40)).rect.width, 0);
});
