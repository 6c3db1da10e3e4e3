// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { type Camera, project } from './camera.js';
import { lonLatFromUtm, utmZone } from './geodesy.js';
import { boxAround, footprint, makeCameras } from './make-world.js';
import { type Solid, packSolids } from './objects.js';
import { settle } from './options.js';
import { makeNoise } from './random.js';
import { renderRows } from './render.js';
import { truthRows } from './truth.js';
import { type View, makeView, rayAt } from './view.js';
import { type World, groundScale, makeSun } from './world.js';

const settings = settle({ directory: '', size: 96, views: 2, baseToHeight: 0.5, altitude: 1000 });
const cameras = makeCameras(settings);
const utm = utmZone(settings.lon, settings.lat);
const heights = [960, 1045] as const;
const box = boxAround(footprint(cameras, utm, heights));
const origin = [Math.floor(box[0]) - 20, Math.floor(box[1]) - 20] as const;
const size = [Math.ceil(box[2] - origin[0]) + 20, Math.ceil(box[3] - origin[1]) + 20] as const;
const views = cameras.map((camera) => makeView(camera, utm, origin, size, heights));

/** A level world at height z, with solids and a ground of given radiance (DN). */
function levelWorld(z: number, solids: readonly Solid[], dn: (x: number, y: number) => number): World {
  const posts = new Float32Array(12 * 12).fill(z);
  const spacing = 0.25;
  const [cols, rows] = [Math.ceil(size[0] / spacing) + 2, Math.ceil(size[1] / spacing) + 2];
  const data = Uint16Array.from({ length: cols * rows }, (_, k) => groundScale * dn((k % cols) * spacing, Math.floor(k / cols) * spacing));
  return {
    originE: origin[0], originN: origin[1],
    terrain: { spacing: 20, cols: 12, rows: 12, posts, low: z, high: z, maxSlope: 0 },
    solids: packSolids(solids, size[0], size[1]),
    cover: { kind: 'flat', seed: 1, town: null, noise: makeNoise(1), grainM: 0.6 },
    sun: makeSun(40, 45),
    ground: { spacing, cols, rows, data, spans: Int32Array.from({ length: 2 * rows }, (_, k) => (k % 2) * cols) },
  };
}

/** Renders a bright Gaussian spot on level ground and measures its centre. */
function spotCentre(view: View, z: number, x: number, y: number): readonly [number, number] {
  const world = levelWorld(z, [], (px, py) => 100 + 3000 * Math.exp(-((px - x) ** 2 + (py - y) ** 2) / (2 * 1.2 ** 2)));
  const image = new Uint16Array(view.width * view.height);
  renderRows(world, view, { samples: 3, noise: 0, seed: 1 }, image, 0, view.height);
  let [sum, sumC, sumR] = [0, 0, 0];
  image.forEach((dn, k) => {
    const w = Math.max(0, dn - 101);
    sum += w;
    sumC += w * (k % view.width);
    sumR += w * Math.floor(k / view.width);
  });
  return [sumC / sum, sumR / sum];
}

const pixelOf = (camera: Camera, x: number, y: number, z: number): readonly [number, number] => project(camera, ...lonLatFromUtm(utm, origin[0] + x, origin[1] + y), z);

test('a spot on the ground is rendered where the exact camera projects it, to 0.01 px', (t) => {
  cameras.forEach((camera, k) => {
    const view = views[k];
    if (view === undefined) return t.fail();
    for (const [dx, dy] of [[0, 0], [3.13, -5.27], [-8.4, 6.11]] as const) {
      const [x, y] = [size[0] / 2 + dx, size[1] / 2 + dy];
      const [c, r] = spotCentre(view, 1000, x, y);
      const [pc, pr] = pixelOf(camera, x, y, 1000);
      t.true(Math.hypot(c - pc, r - pr) < 0.01, `image ${k}: rendered at ${c} ${r}, projected to ${pc} ${pr}`);
    }
  });
});

/** Metres of ground from row to row. */
function rowStep(view: View): number {
  const [ray, next] = [new Float64Array(6), new Float64Array(6)];
  rayAt(view, 48, 48, ray);
  rayAt(view, 48, 49, next);
  return Math.hypot((next[0] ?? 0) - (ray[0] ?? 0), (next[3] ?? 0) - (ray[3] ?? 0));
}

test('disparity between two views of level ground grows with height by base-to-height over ground sample distance', (t) => {
  const [va, vb] = views;
  if (va === undefined || vb === undefined) return t.fail();
  const [x, y] = [size[0] / 2, size[1] / 2];
  const gsd = (rowStep(va) + rowStep(vb)) / 2;
  const disparity = (z: number): readonly [number, number] => {
    const [a, b] = [spotCentre(va, z, x, y), spotCentre(vb, z, x, y)];
    return [b[0] - a[0], b[1] - a[1]];
  };
  const [low, high] = [disparity(996), disparity(1012)];
  const change = Math.hypot(high[0] - low[0], high[1] - low[1]);
  t.true(Math.abs(change / ((0.5 * 16) / gsd) - 1) < 0.003, `${change} px against ${(0.5 * 16) / gsd}`);
});

test('an image is the same whether rendered at once or in blocks of odd sizes', (t) => {
  const [view] = views;
  if (view === undefined) return t.fail();
  const house: Solid = { kind: 'box', x: size[0] / 2, y: size[1] / 2, angle: 0.4, hx: 8, hy: 5, top: 1012, shape: 0.4, albedo: 0.3, style: 1, base: 1000 };
  const world = levelWorld(1000, [house], (x, y) => 500 + 200 * Math.sin(x) * Math.cos(y));
  const exposure = { samples: 2, noise: 5, seed: 7 };
  const whole = new Uint16Array(view.width * view.height);
  renderRows(world, view, exposure, whole, 0, view.height);
  const parts = new Uint16Array(view.width * view.height);
  for (let row = 0; row < view.height; row += 7) renderRows(world, view, exposure, parts, row, Math.min(7, view.height - row));
  t.deepEqual(parts, whole);
});

test('noise has the standard deviation asked for, and no bias', (t) => {
  const [view] = views;
  if (view === undefined) return t.fail();
  const image = new Uint16Array(view.width * view.height);
  renderRows(levelWorld(1000, [], () => 750), view, { samples: 1, noise: 6, seed: 3 }, image, 0, view.height);
  const mean = image.reduce((s, x) => s + x, 0) / image.length;
  const sigma = Math.sqrt(image.reduce((s, x) => s + (x - mean) ** 2, 0) / image.length);
  t.true(Math.abs(mean - 750) < 0.3 && Math.abs(sigma - 6) < 0.2, `${mean} ${sigma}`);
});

test('a box hides a strip of ground as long as it is high times the lean of the look, from each view its own', (t) => {
  const height = 24;
  const [hx, hy] = [6, 4];
  const [cx, cy] = [size[0] / 2, size[1] / 2];
  const house: Solid = { kind: 'box', x: cx, y: cy, angle: 0, hx, hy, top: 1000 + height, shape: 0, albedo: 0.3, style: 0, base: 1000 };
  const world = levelWorld(1000, [house], () => 500);
  const resolution = 0.25;
  const grid = { originE: Math.round(origin[0] + cx) - 15, originN: Math.round(origin[1] + cy) + 15, resolution, width: 120, height: 120 };
  const cells = 120 * 120;
  const [dsm, visible, seen] = [new Float32Array(cells), new Uint8Array(cells), new Float32Array(cells)];
  truthRows(world, views, grid, dsm, visible, seen, 0, 120);
  views.forEach((view, k) => {
    const ray = new Float64Array(6);
    rayAt(view, 48, 48, ray);
    const [tx, ty] = [ray[1] ?? 0, ray[4] ?? 0];
    let hidden = 0;
    let wrong = 0;
    for (let i = 0; i < cells; i++) {
      const x = grid.originE + ((i % 120) + 0.5) * resolution - origin[0] - cx;
      const y = grid.originN - (Math.floor(i / 120) + 0.5) * resolution - origin[1] - cy;
      const roof = Math.abs(x) <= hx && Math.abs(y) <= hy;
      // The line up from the ground is inside the box's plan for some height in (0, height): slabs in x and y overlap.
      const [xa, xb] = [(-hx - x) / tx, (hx - x) / tx];
      const [ya, yb] = [(-hy - y) / ty, (hy - y) / ty];
      const enter = Math.max(Math.min(xa, xb), Math.min(ya, yb), 0);
      const leave = Math.min(Math.max(xa, xb), Math.max(ya, yb), height);
      const covered = !roof && leave > enter;
      const isHidden = ((visible[i] ?? 0) & (1 << k)) === 0;
      if (Math.abs(leave - enter) > 0.02 && isHidden !== covered) wrong++;
      hidden += isHidden ? resolution * resolution : 0;
      t.is(dsm[i], roof ? 1000 + height : 1000);
    }
    t.is(wrong, 0);
    const expected = height * (Math.abs(tx) * 2 * hy + Math.abs(ty) * 2 * hx);
    t.true(Math.abs(hidden / expected - 1) < 0.05, `${hidden} m2 hidden, ${expected} expected`);
  });
  t.true(visible.some((bits) => bits === 1) && visible.some((bits) => bits === 2));
  seen.forEach((z, i) => { t.is(z, visible[i] === 3 ? (dsm[i] ?? NaN) : -32768); });
});
