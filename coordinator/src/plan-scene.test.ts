// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { InputError, scenePlanSchema } from '@altiplano/protocol';
import { boxOfGrid, groundTiles } from './ground-tiles.js';
import { levelFactors } from './plan-levels.js';
import { planScene } from './plan-scene.js';
import { type Point, boxRing, clipRing, convexHull, ringArea } from './polygon.js';
import { flatImage, flatPair, flatPorts, flatRequest, lonLatOf } from './testing/flat-world.js';
import { tilesOf } from './tile-index.js';

const plan = (request = flatRequest(), images = flatPair()) => planScene(request, images, flatPorts);
const refuses = (t: { throws: (f: () => unknown, e: { instanceOf: typeof InputError; message: RegExp }) => unknown }, message: RegExp, request = flatRequest(), images = flatPair()) =>
  t.throws(() => plan(request, images), { instanceOf: InputError, message });

test('a plan states CRS, base-to-height, heights and overlap as the cameras have them', (t) => {
  const scene = plan();
  t.is(scene.crs, 'EPSG:32636');
  t.deepEqual(scene.heightDomain, [0, 200]);
  const [pair] = scene.pairs;
  t.is(pair?.id, '0_1');
  t.true(Math.abs((pair?.baseToHeight ?? 0) - 0.5) < 1e-9);
  // At height 0 both images lie on the same 1024 m square; heights up to 1 % less overlap count as equal.
  t.true((pair?.overlapAreaM2 ?? 0) <= 1024 ** 2 + 1 && (pair?.overlapAreaM2 ?? 0) >= 0.99 * 1024 ** 2);
  t.true(Math.abs((scene.images[0]?.gsdM ?? 0) - 0.5) < 1e-9);
  t.deepEqual(scene.levels.map(({ factor, resolution }) => [factor, resolution]), [[16, 8], [4, 2], [1, 0.5]]);
  t.deepEqual(scene.warnings, []);
  t.notThrows(() => scenePlanSchema.parse(JSON.parse(JSON.stringify(scene))));
});

test('the same request gives the same plan', (t) => {
  t.deepEqual(plan(), plan());
});

test('a crop of a large scene with heights far beyond it is planned where the images meet', (t) => {
  // Images that show the same ground at 2300 m, an RPC made for -20 to 2610 m.
  const meet = 2300;
  const images = [0.3, 0.04].map((slopeE) => flatImage({ width: 1024, height: 1024, gsdM: 0.5, east: 501_000 - slopeE * meet, north: 56_000, slopeE, slopeN: 0, heights: [-20, 2610] }));
  const scene = plan(flatRequest(), images);
  t.true((scene.pairs[0]?.overlapAreaM2 ?? 0) > 0.9 * 512 ** 2);
  t.true(scene.alignWindows.every(({ box }) => box.minE > 501_000 - 300 && box.maxE < 501_000 + 300), 'windows lie where the images meet');
  // 2.6 km of height at base-to-height 0.26 are 1370 px: 256 disparities reach that far at 1/8.
  t.deepEqual(scene.levels.map(({ factor }) => factor), [8, 4, 1]);
  t.true(scene.heightDomain[0] <= meet && scene.heightDomain[1] >= meet);
});

test('heights at which the images share no ground are not searched', (t) => {
  const images = [0.6, -0.6].map((slopeE) => flatImage({ width: 2048, height: 2048, gsdM: 0.5, east: 501_000, north: 56_000, slopeE, slopeN: 0, heights: [-5000, 5000] }));
  const [low, high] = plan(flatRequest(), images).heightDomain;
  // The footprints part at 1024 m / 1.2 = 853 m.
  t.true(low <= -853 && low > -2200 && high >= 853 && high < 2200, `${low} ${high}`);
});

test('the height range comes from the request, else the DEM', (t) => {
  t.deepEqual(plan(flatRequest({ heightRange: [10, 60] })).heightDomain, [10, 60]);
  t.deepEqual(plan(flatRequest({ dem: 'dem.tif' }), flatPair({ heights: [0, 1000] })).heightDomain, [200, 406]);
  refuses(t, /empty\.tif has no value/, flatRequest({ dem: 'empty.tif' }));
});

test('a height range no level can search is clipped and said so', (t) => {
  const scene = plan(flatRequest({ params: { maxDisparities: 16 } }), flatPair({ heights: [-500, 500] }));
  t.true(scene.heightDomain[0] > -500 && scene.heightDomain[1] < 500);
  t.regex(scene.warnings.join('\n'), /searching/);
});

test('three images make two pairs with the first, and the tiles carry both', (t) => {
  const third = flatImage({ width: 2048, height: 2048, gsdM: 0.5, east: 501_000, north: 56_000, slopeE: 0, slopeN: 0.4, heights: [0, 200] });
  const request = flatRequest({ images: [{ path: 'a' }, { path: 'b' }, { path: 'c' }] });
  const scene = plan(request, [...flatPair(), third]);
  t.deepEqual(scene.pairs.map(({ id }) => id), ['0_1', '0_2']);
  t.true(scene.levels.at(-1)?.tileRuns.some(({ pairs }) => pairs.length === 2));
});

test('images that share a quarter make tiles on that quarter only', (t) => {
  const [a] = flatPair({ slopeE: 0.25 });
  const b = flatImage({ width: 2048, height: 2048, gsdM: 0.5, east: 501_000 + 768, north: 56_000, slopeE: -0.25, slopeN: 0, heights: [0, 200] });
  const scene = plan(flatRequest(), a ? [a, b] : []);
  const cells = (scene.levels.at(-1)?.tileRuns ?? []).reduce((sum, { count, core: [, , width, height] }) => sum + count * width * height, 0);
  t.true(cells * 0.25 < 0.5 * 1024 ** 2, `${cells}`);
});

test('an ROI limits the tiles', (t) => {
  const roi = [[-100, -100], [100, -100], [100, 100], [-100, 100], [-100, -100]].map(([e, n]) => lonLatOf(501_000 + (e ?? 0), 56_000 + (n ?? 0)));
  for (const { core } of plan(flatRequest({ roi })).levels.slice(-1).flatMap((level) => [...tilesOf(level)])) {
    const box = boxOfGrid(core);
    t.true(box.minE >= 501_000 - 108 && box.maxE <= 501_000 + 108 && box.minN >= 56_000 - 108 && box.maxN <= 56_000 + 108);
  }
  const outside = [[5000, 0], [5100, 0], [5100, 100], [5000, 0]].map(([e, n]) => lonLatOf(501_000 + (e ?? 0), 56_000 + (n ?? 0)));
  refuses(t, /roi: no part/, flatRequest({ roi: outside }));
});

test('tiles shrink, and say so, until they fit the memory budget', (t) => {
  const scene = plan(flatRequest({ memoryBudgetMb: 400, tileCells: 1024 }));
  t.true((scene.levels.at(-1)?.tileCells ?? 0) < 1024);
  t.regex(scene.warnings.join('\n'), /to fit 400 MB/);
});

test('what cannot work is refused by file and field', (t) => {
  const [a, b] = flatPair();
  if (!a || !b) return t.fail();
  refuses(t, /^b\.tif: RPC field 'lonOff' in b\.xml is NaN/, flatRequest(), [a, { ...b, path: 'b.tif', rpcSource: 'b.xml', rpc: { ...b.rpc, lonOff: NaN } }]);
  refuses(t, /'rowDen\[3\]' in .* is NaN/, flatRequest(), [a, { ...b, rpc: { ...b.rpc, rowDen: b.rpc.rowDen.with(3, NaN) } }]);
  refuses(t, /'altScale' in .* is 0/, flatRequest(), [a, { ...b, rpc: { ...b.rpc, altScale: 0 } }]);
  refuses(t, /^copy\.tif: the same image as/, flatRequest(), [a, { ...a, path: 'copy.tif' }]);
  refuses(t, /no ground in common/, flatRequest(), [a, ...flatPair({ north: 60_000 }).slice(1)]);
  const apart = [a, ...flatPair({ north: 60_000 }).slice(1)];
  refuses(t, /at heights 200 to 406 m; check --dem \(the RPCs are made for \S+ to \S+ m\), field 'rpc'/, flatRequest({ dem: 'dem.tif' }), apart);
  refuses(t, /at heights 1 to 2 m; check --height-range \(the RPCs/, flatRequest({ heightRange: [1, 2] }), apart);
  refuses(t, /same direction/, flatRequest(), [a, { ...a, path: 'c.tif', fingerprint: 'c' }]);
  refuses(t, /geographic/, flatRequest({ crs: 'EPSG:4326' }));
  refuses(t, /unit of 0\.3048/, flatRequest({ crs: 'EPSG:2264' }));
  refuses(t, /not a coordinate reference system/, flatRequest({ crs: 'EPSG:nonsense' }));
  refuses(t, /resolution: 0\.01/, flatRequest({ resolution: 0.01 }));
  refuses(t, /MIN < MAX/, flatRequest({ heightRange: [5, 5] }));
  refuses(t, /images 0 to 1/, flatRequest({ pairs: [[0, 2]] }));
  refuses(t, /given twice/, flatRequest({ pairs: [[0, 1], [0, 1]] }));
  refuses(t, /share no heights/, flatRequest(), [a, ...flatPair({ heights: [3000, 3100] }).slice(1)]);
});

test('where PROJ knows no CRS at all, its database is to blame and not the request', (t) => {
  const lost = { ...flatPorts, crsInfo: () => { throw new Error('no database'); } };
  t.throws(() => planScene(flatRequest(), flatPair(), lost), { instanceOf: InputError, message: /^PROJ has no database it can use: unset PROJ_LIB/ });
});

test('cells finer than half a pixel are made, and warned of', (t) => {
  t.deepEqual(planScene(flatRequest({ resolution: 0.25 }), flatPair(), flatPorts).warnings, []);
  const [warning] = planScene(flatRequest({ resolution: 0.2 }), flatPair(), flatPorts).warnings;
  t.is(warning, "cells of 0.2 m are finer than the images' pixels of 0.50 m, and some get no height; --resolution 0.5 suits the images");
});

test('coarse levels are used where the images are large enough, coarser ones where the heights ask for it', (t) => {
  t.deepEqual(levelFactors(2048, 300, 256), [16, 4, 1]);
  t.deepEqual(levelFactors(1024, 300, 256), [4, 1]);
  t.deepEqual(levelFactors(1024, 1370, 256), [8, 4, 1]);
  t.deepEqual(levelFactors(300, 200, 256), [1]);
  t.deepEqual(levelFactors(300, 500, 256), [2, 1]);
});

test('every cell of the ground is owned by exactly one tile, and cores lie on the global grid', (t) => {
  const point = fc.tuple(fc.double({ min: -3000, max: 3000, noNaN: true }), fc.double({ min: -3000, max: 3000, noNaN: true }));
  t.notThrows(() => fc.assert(fc.property(fc.array(fc.array(point, { minLength: 3, maxLength: 7 }), { minLength: 1, maxLength: 3 }), fc.constantFrom(64, 128, 256), fc.constantFrom(0.3, 0.5, 2), (polygons, tileCells, resolution) => {
    const rings = polygons.map((points: Point[]) => convexHull(points));
    const tiles = [...groundTiles(rings.map((ring, i) => ({ pairId: `${i}`, rings: [ring] })), resolution, tileCells)];
    for (const { ix, iy, core } of tiles) {
      const [col, row] = [core.originE / resolution, core.originN / resolution];
      if (Math.abs(col - Math.round(col)) > 1e-6 || Math.abs(row - Math.round(row)) > 1e-6) return false;
      if (Math.round(col) < ix * tileCells || Math.round(col) + core.width > (ix + 1) * tileCells) return false;
      if (Math.round(row) > (iy + 1) * tileCells || Math.round(row) - core.height < iy * tileCells) return false;
    }
    const owners = ([e, n]: Point): number => tiles.filter(({ core }) => {
      const box = boxOfGrid(core);
      return e >= box.minE && e < box.maxE && n > box.minN && n <= box.maxN;
    }).length;
    // Weighted corners: points inside each ring.
    return rings.every((ring) => ringArea(ring) < 1 || ring.every((p, i) => {
      const q = ring[(i + 1) % ring.length] ?? p;
      const c: Point = [ring.reduce((s, [e]) => s + e, 0) / ring.length, ring.reduce((s, [, n]) => s + n, 0) / ring.length];
      return owners([0.3 * p[0] + 0.3 * q[0] + 0.4 * c[0], 0.3 * p[1] + 0.3 * q[1] + 0.4 * c[1]]) === 1;
    }));
  })));
});

test('clipping a ring by a box never gains area and by itself loses none', (t) => {
  const point = fc.tuple(fc.double({ min: 0, max: 100, noNaN: true }), fc.double({ min: 0, max: 100, noNaN: true }));
  t.notThrows(() => fc.assert(fc.property(fc.array(point, { minLength: 3, maxLength: 9 }), (points: Point[]) => {
    const hull = convexHull(points);
    const left = clipRing(hull, boxRing({ minE: -1, minN: -1, maxE: 50, maxN: 101 }));
    const right = clipRing(hull, boxRing({ minE: 50, minN: -1, maxE: 101, maxN: 101 }));
    return Math.abs(ringArea(left) + ringArea(right) - ringArea(hull)) < 1e-6 && Math.abs(ringArea(clipRing(hull, hull)) - ringArea(hull)) < 1e-6;
  })));
});

test('align windows are spread over the shared ground and inside of it', (t) => {
  const windows = plan().alignWindows;
  t.true(windows.length >= 9 && windows.length <= 36, `${windows.length}`);
  t.is(new Set(windows.map(({ id }) => id)).size, windows.length);
  t.true(windows.every(({ box }) => box.minE >= 501_000 - 513 && box.maxE <= 501_000 + 563));
});
