// SPDX-License-Identifier: Apache-2.0
import { tileMemoryBytes } from '@altiplano/kernels';
import test from 'ava';
import fc from 'fast-check';
import { quadrants } from './run-split.js';

const grid = (width: number, height: number) => ({ originE: 1000, originN: 5000, resolution: 0.5, width, height });

test('quadrants give every cell of a grid exactly once, and are computed where they lie, inside of it', (t) => {
  const side = fc.integer({ min: 1, max: 60 });
  fc.assert(fc.property(side, side, fc.integer({ min: 0, max: 20 }), (width, height, rim) => {
    const given = new Uint8Array(width * height);
    for (const { col0, row0, left, above, grid: part, ...size } of quadrants(grid(width, height), rim)) {
      for (let row = row0; row < row0 + size.height; row++) {
        for (let col = col0; col < col0 + size.width; col++) given[row * width + col] = (given[row * width + col] ?? 0) + 1;
      }
      t.is(part.originE, 1000 + 0.5 * (col0 - left));
      t.is(part.originN, 5000 - 0.5 * (row0 - above));
      t.true(left <= rim && above <= rim && col0 - left + part.width <= width && row0 - above + part.height <= height);
      t.true(part.width >= left + size.width && part.height >= above + size.height);
    }
    t.true(given.every((times) => times === 1));
  }));
});

test('a quadrant of a tile needs a quarter of its memory, and a little for the rim', (t) => {
  const marginPx = 24;
  const need = (of: { readonly width: number; readonly height: number }): number => {
    const rect = { width: of.width + 2 * marginPx, height: of.height + 2 * marginPx };
    const secRect = { ...rect, width: rect.width + 128 };
    return tileMemoryBytes({ rect, secRect, windows: [rect, secRect], grid: of, count: 128 });
  };
  const tile = grid(1152, 1152);
  const parts = quadrants(tile, 16).map((part) => need(part.grid) / need(tile));
  t.is(parts.length, 4);
  t.log(`shares of the whole tile's memory: ${parts.map((share) => share.toFixed(3)).join(', ')}`);
  for (const share of parts) t.true(share > 0.2 && share < 0.32, String(share));
});
