// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { KernelArgumentError } from './errors.js';
import { evaluatePoly2 } from './polynomial.js';
import { rectify } from './rectify.js';
import type { ImageWindow, PixelArray, Poly2 } from './types.js';

const turn: Poly2 = {
  // col = 20 - v, row = 5 + u
  degree: 1, uOff: 0, uScale: 1, vOff: 0, vScale: 1,
  first: Float64Array.of(20, 0, -1), second: Float64Array.of(5, 1, 0),
};

function windowOf(data: PixelArray, mask: Uint8Array | null = null): ImageWindow {
  return { data, mask, col0: 10, row0: 0, width: 12, height: 16 };
}

test('a quarter turn moves every pixel type to the right place', (t) => {
  for (const data of [new Uint8Array(192), new Uint16Array(192), new Int16Array(192), new Float32Array(192)]) {
    for (let i = 0; i < data.length; i += 1) data[i] = i;
    const rect = rectify(windowOf(data), turn, { u0: 1, v0: 2, width: 4, height: 3 });
    t.deepEqual([rect.u0, rect.v0, rect.width, rect.height], [1, 2, 4, 3]);
    t.true(rect.valid.every((valid) => valid === 1));
    // (u, v) = (1 + x, 2 + y) is column 20 - v, row 5 + u.
    t.deepEqual([...rect.data], [0, 1, 2].flatMap((y) => [0, 1, 2, 3].map((x) => (6 + x) * 12 + (18 - y - 10))));
  }
});

test('only pixels inside of the extents are made', (t) => {
  const window = windowOf(new Uint8Array(192).fill(9));
  const rect = rectify(window, turn, { u0: 1, v0: 2, width: 4, height: 3 }, Int32Array.of(1, 3, 0, 0, 0, 4));
  t.deepEqual([...rect.valid], [0, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1]);
  t.deepEqual([...rect.data], [...rect.valid].map((valid) => 9 * valid));
  t.throws(() => rectify(window, turn, { u0: 1, v0: 2, width: 4, height: 3 }, new Int32Array(5)), { message: /extents/ });
});

test('masked pixels and pixels outside the window are 0 and not valid', (t) => {
  const mask = new Uint8Array(192).fill(1);
  mask[6 * 12 + 8] = 0;
  const rect = rectify(windowOf(new Uint8Array(192).fill(9), mask), turn, { u0: 1, v0: -3, width: 1, height: 8 });
  t.deepEqual([...rect.valid], [0, 0, 1, 1, 1, 0, 1, 1]);
  t.deepEqual([...rect.data], [0, 0, 9, 9, 9, 0, 9, 9]);
});

test('positions are those of evaluatePoly2, for every degree, to a phase of 1 / 512 px', (t) => {
  // Pixels that hold their own column, or row: what comes out is the position that was read.
  const [width, height] = [90, 80];
  const columns = Float32Array.from({ length: width * height }, (_, i) => i % width);
  const rows = Float32Array.from({ length: width * height }, (_, i) => Math.floor(i / width));
  const all = { u: [45.3, 2, -21, 1.5, -1.1, 0.7, 0.4, -0.6, 0.8, -0.3], v: [38.7, 19, 1.5, -0.9, 1.3, 0.5, -0.7, 0.2, 0.5, 0.6] };
  for (const [degree, terms] of [[1, 3], [2, 6], [3, 10]] as const) {
    const poly: Poly2 = {
      degree, uOff: 1010.5, uScale: 20, vOff: -300, vScale: 17,
      first: Float64Array.from(all.u.slice(0, terms)), second: Float64Array.from(all.v.slice(0, terms)),
    };
    const rect = { u0: 992, v0: -315, width: 37, height: 31 };
    const [col, row] = [columns, rows].map((data) => rectify({ data, mask: null, col0: 0, row0: 0, width, height }, poly, rect));
    t.true(col !== undefined && row !== undefined && col.valid.every((valid) => valid === 1));
    const uv = Float64Array.from({ length: 2 * 37 * 31 }, (_, i) => (i % 2 === 0 ? 992 + ((i / 2) % 37) : -315 + Math.floor(i / 74)));
    const worst = evaluatePoly2(poly, uv).reduce((max, at, i) => Math.max(max, Math.abs(at - ((i % 2 === 0 ? col : row)?.data[i >> 1] ?? NaN))), 0);
    t.true(worst < 1.4e-3, `degree ${degree}: ${worst} px`);
  }
});

test('bad arguments are refused by name', (t) => {
  const window = windowOf(new Uint8Array(192));
  const rect = { u0: 0, v0: 0, width: 4, height: 4 };
  const refused = (call: () => unknown, field: string): void => {
    const error = t.throws(call, { instanceOf: KernelArgumentError });
    t.true(error.message.includes(field), error.message);
  };
  refused(() => rectify(window, turn, { ...rect, width: 0 }), 'rect.width');
  refused(() => rectify(window, turn, { ...rect, u0: 0.5 }), 'rect.u0');
  refused(() => rectify({ ...window, width: 13 }, turn, rect), 'window.data');
  refused(() => rectify({ ...window, mask: new Uint8Array(3) }, turn, rect), 'window.mask');
  refused(() => rectify(window, { ...turn, first: Float64Array.of(1, 2) }, rect), 'imageFromRect.first');
  refused(() => rectify(window, { ...turn, second: Float64Array.of(1, NaN, 0) }, rect), 'imageFromRect.second');
  refused(() => rectify(window, { ...turn, uScale: 0 }, rect), 'imageFromRect.uScale');
});
