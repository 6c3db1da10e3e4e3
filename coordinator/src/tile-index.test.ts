// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { runsOf, openTileIndex, tileCount, tilesOf } from './tile-index.js';

const place = fc.record({
  ix: fc.integer({ min: -9, max: 9 }), iy: fc.integer({ min: -4, max: 4 }), pairs: fc.subarray(['0_1', '0_2', '1_2'], { minLength: 1 }), cut: fc.constantFrom(0, 16),
});
const places = fc.uniqueArray(place, { maxLength: 60, selector: ({ ix, iy }) => `${ix},${iy}` });

test('runs hold the tiles as they were, and the index finds each by number, place, id and task', (t) => {
  fc.assert(fc.property(places, fc.constantFrom(0.3, 0.5, 2), (all, resolution) => {
    const tiles = all.sort((a, b) => b.iy - a.iy || a.ix - b.ix).map(({ ix, iy, pairs, cut }) => ({
      id: `x${ix}y${iy}`, ix, iy, pairs,
      core: { originE: (ix * 64 + cut) * resolution, originN: ((iy + 1) * 64 - 2 * cut) * resolution, resolution, width: 64 - cut, height: 64 - 2 * cut },
    }));
    const level = { tileRuns: runsOf(tiles, 64), tileCells: 64, resolution };
    t.deepEqual([...tilesOf(level)], tiles);
    const index = openTileIndex(level);
    t.is(index.count, tiles.length);
    t.is(tileCount(level), tiles.length);
    let task = 0;
    tiles.forEach((tile, number) => {
      t.deepEqual(index.tileAt(number), tile);
      t.is(index.numberAt(tile.ix, tile.iy), number);
      t.is(index.numberOf(tile.id), number);
      t.deepEqual(index.tasksOf(number), { first: task, count: tile.pairs.length });
      for (let pair = 0; pair < tile.pairs.length; pair += 1, task += 1) t.deepEqual(index.ofTask(task), { tile: number, pair });
    });
    t.is(index.tasks, task);
    for (let iy = -5; iy <= 5; iy += 1) {
      for (let ix = -10; ix <= 10; ix += 1) t.is(index.numberAt(ix, iy), tiles.findIndex((tile) => tile.ix === ix && tile.iy === iy));
    }
    t.throws(() => index.tileAt(tiles.length), { instanceOf: RangeError });
    t.throws(() => index.ofTask(-1), { instanceOf: RangeError });
  }), { numRuns: 60 });
});

test('a row of like tiles is one run, whatever its length', (t) => {
  const core = (ix: number) => ({ originE: ix * 64, originN: 64, resolution: 1, width: 64, height: 64 });
  const runs = runsOf(Array.from({ length: 1000 }, (_, ix) => ({ id: `x${ix}y0`, ix, iy: 0, core: core(ix), pairs: ['0_1'] })), 64);
  t.deepEqual(runs, [{ ix: 0, iy: 0, count: 1000, core: [0, 0, 64, 64], pairs: ['0_1'] }]);
  t.is(openTileIndex({ tileRuns: runs, tileCells: 64, resolution: 1 }).numberOf('not a tile'), -1);
});
