// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import {
  filterDisparity, KernelArgumentError, matchMemoryBytes, matchPair, type RectImage, type SearchRange, validity,
} from './index.js';
import { matchKeptBytes } from './match.js';

const width = 60, height = 40;

/** A block of one texture: noise from a multiplicative hash of the rectified position, smoothed to what a sensor resolves. */
function texture(u0: number, blockWidth: number): RectImage {
  const noise = (u: number, v: number): number => {
    const seed = Math.imul((u + 1000) * 4096 + v + 50, 2654435761);
    return (seed ^ (seed >>> 15)) & 1023;
  };
  const data = new Float32Array(blockWidth * height);
  for (let v = 0; v < height; v++) {
    for (let u = 0; u < blockWidth; u++) {
      let sum = 0;
      for (let dv = -1; dv <= 1; dv++) for (let du = -2; du <= 2; du++) sum += noise(u0 + u + du, v + dv);
      data[v * blockWidth + u] = sum / 15;
    }
  }
  return { u0, v0: 7, width: blockWidth, height, data, valid: new Uint8Array(blockWidth * height).fill(1) };
}

const flatRange = (low: number, count: number): SearchRange => ({ low: new Int16Array(width * height).fill(low), count, rowCounts: null });

test('a block matches itself at disparity 0 wherever the blocks begin', (t) => {
  const ref = texture(20, width);
  const map = matchPair(ref, texture(10, width + 20), flatRange(-6, 13));
  t.is(map.u0, 20);
  t.is(map.v0, 7);
  t.true(map.validity.every((why) => why === validity.valid));
  t.true(map.disparity.every((d) => Math.abs(d) < 0.1));
});

test('a range that holds one candidate only is all edge', (t) => {
  const map = matchPair(texture(0, width), texture(0, width), flatRange(0, 1));
  t.true(map.validity.every((why) => (why & validity.rangeEdge) !== 0));
  t.true(map.disparity.every((d) => Number.isNaN(d)));
});

test('a range outside the secondary leaves no candidates', (t) => {
  const map = matchPair(texture(0, width), texture(0, width), flatRange(5000, 8));
  t.true(map.validity.every((why) => why === validity.outsideSecondary));
});

test('pixels without data keep that reason through matching and filtering', (t) => {
  const ref = texture(0, width);
  ref.valid.fill(0);
  const map = filterDisparity(matchPair(ref, texture(-8, width + 16), flatRange(-4, 9)));
  t.true(map.validity.every((why) => why === validity.noDataReference));
});

test('small regions are rejected and keep their reason', (t) => {
  const disparity = new Float32Array(width * height).fill(3);
  disparity[5 * width + 5] = 9;
  const map = filterDisparity({
    u0: 0, v0: 0, width, height, disparity,
    validity: new Uint16Array(width * height), confidence: new Float32Array(width * height).fill(1),
  });
  t.is(map.validity[5 * width + 5], validity.speckle);
  t.true(Number.isNaN(map.disparity[5 * width + 5]));
  t.is(map.disparity[5 * width + 6], 3);
});

test('arguments that do not fit are refused by name', (t) => {
  const ref = texture(0, width);
  const refuse = (call: () => unknown, name: RegExp) => {
    const error = t.throws(call, { instanceOf: KernelArgumentError });
    t.regex(error.message, name);
  };
  refuse(() => matchPair(ref, { ...ref, v0: 8 }, flatRange(0, 4)), /sec/);
  refuse(() => matchPair(ref, ref, { ...flatRange(0, 4), low: new Int16Array(3) }), /range\.low/);
  refuse(() => matchPair(ref, ref, { ...flatRange(0, 4), rowCounts: new Uint16Array(3) }), /range\.rowCounts/);
  for (const wrong of [0, 5]) {
    refuse(() => matchPair(ref, ref, { ...flatRange(0, 4), rowCounts: new Uint16Array(height).fill(wrong) }), /1 to range\.count for range\.rowCounts/);
  }
  refuse(() => matchPair(ref, ref, flatRange(0, 0)), /range\.count/);
  refuse(() => matchPair(ref, ref, flatRange(0, 4), { p2: 200 }), /p2/);
  refuse(() => matchPair(ref, ref, flatRange(0, 4), { specklePx: 0.5 }), /specklePx/);
  refuse(() => matchPair({ ...ref, data: new Float32Array(1) }, ref, flatRange(0, 4)), /ref\.data/);
  refuse(() => filterDisparity(matchPair(ref, ref, flatRange(-2, 5)), { medianSize: 4 }), /medianSize/);
});

test('the memory estimate is dominated by one byte per candidate', (t) => {
  const bytes = matchMemoryBytes(1024, 1024, 128);
  t.true(bytes > 1024 * 1024 * 128);
  t.true(bytes < 1.5 * 1024 * 1024 * 128);
});

test('with few candidates what is kept is what refinement needs', (t) => {
  t.is(matchKeptBytes(1024, 1024, 2, 1024), matchKeptBytes(1024, 1024, 1, 1024));
  t.true(matchKeptBytes(64, 64, 32, 64) > 64 * 64 * 32 + (5 + 2) * (64 + 64 + 128) * 64);
});
