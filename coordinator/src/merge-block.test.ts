// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { type BlockPartial, type MergeBlockOptions, mergeBlock, noHeight, reason } from './merge-block.js';

const options: MergeBlockOptions = {
  width: 8, height: 4, ownerId: 'x0y0', haloCells: 2, toleranceM: 3, fullWeight: 2, emptyReason: reason.noPoint,
};

/** A partial of the tile whose core begins at column `col0`, with its halo: 12 x 8 cells. */
function partial(tileId: string, col0: number, height: number | ((col: number, row: number) => number), pairId = '0_1', weight = 1): BlockPartial {
  const rect = { col0: col0 - 2, row0: -2, width: 12, height: 8 };
  const cells = Array.from({ length: 96 }, (_, i) => (typeof height === 'number' ? height : height((i % 12) + rect.col0, Math.floor(i / 12) + rect.row0)));
  return {
    tileId, pairId, core: { col0, row0: 0, width: 8, height: 4 }, rect,
    height: Float32Array.from(cells), weight: Float32Array.from(cells, (h) => (Number.isNaN(h) ? 0 : weight)),
    spread: new Float32Array(96), count: new Float32Array(96).fill(1),
  };
}

const row = (cells: Float32Array | Uint16Array, index = 1): number[] => [...cells.subarray(8 * index, 8 * index + 8)];

test('a tile alone keeps its heights and says where it has none', (t) => {
  const block = mergeBlock([partial('x0y0', 0, (col, r) => (col === 3 ? NaN : 100 + col + r))], options);
  t.deepEqual(row(block.height), [101, 102, 103, noHeight, 105, 106, 107, 108]);
  t.deepEqual([...block.reason.subarray(8, 16)], [0, 0, 0, reason.noPoint, 0, 0, 0, 0]);
  t.deepEqual(row(block.confidence), [128, 128, 128, 0, 128, 128, 128, 128]);
  t.deepEqual(row(block.count), [1, 1, 1, 0, 1, 1, 1, 1]);
  t.deepEqual(row(block.spread), Array(8).fill(0));
});

// Owner (0 m) and its eastern neighbour (1 m), halo 2: feathers of the neighbour at columns 6, 7 | 8, 9 are 1/8, 3/8 | 5/8, 7/8.
test('neighbours fade into each other over two halos', (t) => {
  const tiles = [partial('x0y0', 0, 0), partial('x1y0', 8, 1)];
  t.deepEqual(row(mergeBlock(tiles, options).height), [0, 0, 0, 0, 0, 0, 0.125, 0.375]);
  const seenFromTheEast = tiles.map((tile) => ({
    ...tile, core: { ...tile.core, col0: tile.core.col0 - 8 }, rect: { ...tile.rect, col0: tile.rect.col0 - 8 },
  }));
  t.deepEqual(row(mergeBlock(seenFromTheEast, { ...options, ownerId: 'x1y0' }).height), [0.625, 0.875, 1, 1, 1, 1, 1, 1]);
});

test('a neighbour that disagrees by more than the tolerance leaves the edge sharp', (t) => {
  const block = mergeBlock([partial('x0y0', 0, 0), partial('x1y0', 8, 3.5)], options);
  t.deepEqual(row(block.height), Array(8).fill(0));
});

test('a neighbour stands in where the owner has nothing', (t) => {
  const block = mergeBlock([partial('x0y0', 0, (col) => (col >= 6 ? NaN : 0)), partial('x1y0', 8, 7)], options);
  t.deepEqual(row(block.height), [0, 0, 0, 0, 0, 0, 7, 7]);
  t.deepEqual(row(block.confidence), Array(8).fill(128));
});

test('pairs of a tile are averaged by weight, and what they differ by is spread', (t) => {
  const block = mergeBlock([partial('x0y0', 0, 10, '0_1', 1), partial('x0y0', 0, 12, '0_2', 3)], options);
  t.is(block.height[9], 11.5);
  t.is(block.spread[9], Math.round(256 * Math.sqrt(0.75)));
  t.is(block.count[9], 2);
  t.is(block.confidence[9], 256);
});

test('without a halo every cell is its owner\'s', (t) => {
  const bare = (tileId: string, col0: number, height: number): BlockPartial => {
    const rect = { col0, row0: 0, width: 8, height: 4 };
    return { tileId, pairId: '0_1', core: rect, rect, height: new Float32Array(32).fill(height), weight: new Float32Array(32).fill(1), spread: new Float32Array(32), count: new Float32Array(32) };
  };
  t.deepEqual(row(mergeBlock([bare('x0y0', 0, 5), bare('x1y0', 8, 6)], { ...options, haloCells: 0 }).height), Array(8).fill(5));
});

test('the bytes do not depend on the order in which partials come', (t) => {
  const heights = fc.array(fc.float({ min: 0, max: 4, noNaN: true }), { minLength: 96, maxLength: 96 });
  fc.assert(fc.property(fc.array(heights, { minLength: 6, maxLength: 6 }), fc.infiniteStream(fc.nat()), (all, random) => {
    const tiles = ['x-1y0', 'x0y0', 'x1y0'].flatMap((id, t0) => ['0_1', '0_2'].map((pair, p) => {
      const cells = all[2 * t0 + p] ?? [];
      return partial(id, 8 * (t0 - 1), (col, r) => cells[(r + 2) * 12 + col - 8 * (t0 - 1) + 2] ?? NaN, pair, 1 + p / 3);
    }));
    const shuffled = tiles.map((tile) => ({ tile, key: random.next().value ?? 0 })).sort((a, b) => a.key - b.key).map(({ tile }) => tile);
    const [a, b] = [mergeBlock(tiles, options), mergeBlock(shuffled, options)];
    t.deepEqual(Buffer.from(a.height.buffer), Buffer.from(b.height.buffer));
    t.deepEqual(Buffer.from(a.spread.buffer), Buffer.from(b.spread.buffer));
    t.deepEqual(Buffer.from(a.confidence.buffer), Buffer.from(b.confidence.buffer));
  }), { numRuns: 30 });
});
