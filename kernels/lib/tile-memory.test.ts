// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { matchMemoryBytes } from './match.js';
import { tileMemoryBytes } from './tile-memory.js';

const side = (n: number): { readonly width: number; readonly height: number } => ({ width: n, height: n });

test('a tile of 1024 x 1024 pixels with 128 disparities stays far below 400 MB', (t) => {
  const bytes = tileMemoryBytes({ rect: side(1024), secRect: { width: 1152, height: 1024 }, windows: [side(1100), side(1200)], grid: side(1056), count: 128 });
  t.true(bytes > matchMemoryBytes(1024, 1024, 128, 1152));
  t.true(bytes < 250 * 2 ** 20);
});

test('the fullest moment decides: matching, or the values of many cells; points lie where the volume was', (t) => {
  const need = (cells: number): number =>
    tileMemoryBytes({ rect: side(1024), secRect: side(1024), windows: [side(1024), side(1024)], grid: side(cells), count: 64 });
  t.is(need(512), need(256));
  t.is(need(4096) - need(2048), 14 * (4096 ** 2 - 2048 ** 2));
});

test('rows that search fewer candidates than the widest have their part of the volume alone, padded to whole vectors', (t) => {
  const need = (rowCounts: Uint16Array | null): number =>
    tileMemoryBytes({ rect: side(1024), secRect: side(1152), windows: [side(1100), side(1200)], grid: side(1056), count: 128, rowCounts });
  const half = Uint16Array.from({ length: 1024 }, (_, v) => (v % 2 === 0 ? 128 : 33));
  t.is(need(new Uint16Array(1024).fill(128)), need(null));
  t.is(need(null) - need(half), 512 * 1024 * (128 - 64));
});
