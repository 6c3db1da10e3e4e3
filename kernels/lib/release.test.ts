// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import fc from 'fast-check';
import { newBuffer } from './new-buffer.js';
import { release } from './release.js';

test('arrays among the values are emptied, and those that share their memory; all else stays', (t) => {
  const data = new Float32Array(8);
  const view = data.subarray(2, 4);
  const large = new Uint8Array(newBuffer(100_000));
  const image = { width: 8, data, valid: new Uint8Array(8), large, name: 'image' };
  release(image, { low: new Int16Array(3) });
  t.deepEqual([data.length, view.length, image.valid.length, large.length, image.width, image.name], [0, 0, 0, 0, 8, 'image']);
  release(image);
});

test('a buffer has the size asked for, also where it is empty or its memory was of another size', (t) => {
  for (const bytes of [0, 1, 65_535, 65_536, 5_000_000, 4_999_999, 12_345_678, 3_000_000]) {
    const data = new Uint8Array(newBuffer(bytes));
    t.is(data.length, bytes);
    data.fill(1);
    release({ data });
  }
});

test('what one array is given no other has, in whatever order they come and go', (t) => {
  const step = fc.record({ bytes: fc.integer({ min: 1, max: 300_000 }), releases: fc.nat(9) });
  fc.assert(fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
    const live: { readonly id: number; readonly data: Uint8Array }[] = [];
    steps.forEach(({ bytes, releases }, id) => {
      const old = live.length > 6 ? live.splice(releases % live.length, 1)[0] : undefined;
      if (old !== undefined) release(old);
      live.push({ id, data: new Uint8Array(newBuffer(bytes)).fill(id) });
    });
    const isKept = live.every(({ id, data }) => data.every((value) => value === id));
    release(...live);
    return isKept;
  }), { numRuns: 20 });
  t.pass();
});

test('arrays that nobody takes back are collected, and those made meanwhile stay what they are', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const bytes = 200_000;
  const kept = new Uint8Array(newBuffer(bytes)).fill(7);
  for (let round = 0; round < 20; round++) {
    new Uint8Array(newBuffer(bytes)).fill(round); // lost
    const data = new Uint8Array(newBuffer(bytes)).fill(round);
    release({ data });
    const next = new Uint8Array(newBuffer(bytes)).fill(100);
    collect();
    await turn();
    t.true(next.every((value) => value === 100));
    release({ next });
  }
  t.true(kept.every((value) => value === 7));
});
