// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { release } from './release.js';

test('arrays among the values are emptied, and those that share their memory; all else stays', (t) => {
  const data = new Float32Array(8);
  const view = data.subarray(2, 4);
  const image = { width: 8, data, valid: new Uint8Array(8), name: 'image' };
  release(image, { low: new Int16Array(3) });
  t.deepEqual([data.length, view.length, image.valid.length, image.width, image.name], [0, 0, 0, 8, 'image']);
  release(image);
});
