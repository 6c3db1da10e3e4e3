// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { compareMatchers, townCase } from './matchers.js';

test("what OpenCV would find where the truth is comes back as our truth, and the images it gets show the same pixels", (t) => {
  const size = 48, range = 32;
  const { bytes, toOurs, truth, ref, sec } = townCase(size, range);
  const { width, left, right, count } = bytes;
  t.is(left.length, right.length);
  const found = new Float32Array(width * size).fill(NaN);
  for (let v = 0; v < size; v++) {
    for (let u = 0; u < size; u++) {
      const d = truth[v * size + u] ?? NaN;
      if (Number.isNaN(d)) continue;
      // The reference's pixel lies range - 1 columns into OpenCV's left image; its counterpart in the secondary's own columns.
      const xLeft = u + range - 1, xRight = u + d - sec.u0;
      t.is(left[v * width + xLeft], ref.data[v * size + u]);
      found[v * width + xLeft] = xLeft - xRight;
      t.true(xLeft - xRight >= 0 && xLeft - xRight <= count - 1, `${xLeft - xRight}`);
    }
  }
  const back = toOurs(found);
  for (let i = 0; i < size * size; i++) {
    const d = truth[i] ?? NaN, b = back[i] ?? NaN;
    t.true(Number.isNaN(d) ? Number.isNaN(b) : Math.abs(b - d) < 1e-4);
  }
});

test('without OpenCV our own results stand alone, scored', async (t) => {
  // Large enough for arrays that come from the addon's pool.
  const results = await compareMatchers(townCase(160, 32), null, '', 1);
  t.deepEqual(results.map(({ matcher }) => matcher), ['Altiplano matchPair', 'Altiplano census, 8 paths, winner']);
  for (const { mdePerSecond, score } of results) {
    t.true(mdePerSecond.length === 1 && mdePerSecond.every((rate) => rate > 0));
    t.true(score.validPercent > 50 && score.medianErrorPx < 0.3, JSON.stringify(score));
  }
});
