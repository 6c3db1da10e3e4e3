// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { rpcProject } from '@altiplano/kernels';
import { localize, project } from './camera.js';
import { fitRpc, projectRpc } from './fit-rpc.js';
import { lonLatFromUtm, utmFromLonLat, utmZone } from './geodesy.js';
import { boxAround, footprint, makeCameras } from './make-world.js';
import { settle } from './options.js';
import { makeRandom } from './random.js';
import { makeView, pixelAt, rayAt } from './view.js';

const settings = settle({ directory: '', size: 2048, views: 3, baseToHeight: 0.5, altitude: 1200 });
const cameras = makeCameras(settings);

test('a camera projects what it localizes, at any altitude', (t) => {
  const random = makeRandom(11);
  for (const camera of cameras) {
    for (let n = 0; n < 50; n++) {
      const [col, row, alt] = [2048 * random(), 2048 * random(), 500 + 1500 * random()];
      const [c, r] = project(camera, ...localize(camera, col, row, alt));
      t.true(Math.hypot(c - col, r - row) < 1e-6);
    }
  }
});

test('RPCs stand for their cameras to 0.001 px at random points, in our projection and in the kernels\'', (t) => {
  const random = makeRandom(12);
  for (const camera of cameras) {
    const { rpc, maxPx } = fitRpc(camera, [400, 2200]);
    t.true(maxPx < 0.001);
    for (let n = 0; n < 200; n++) {
      const [col, row] = [2048 * random(), 2048 * random()];
      const ground = localize(camera, col, row, 400 + 1800 * random());
      const [c, r] = projectRpc(rpc, ground);
      t.true(Math.hypot(c - col, r - row) < 0.001);
      const native = rpcProject(rpc, new Float64Array(ground));
      t.true(Math.hypot(c - (native[0] ?? NaN), r - (native[1] ?? NaN)) < 1e-6);
    }
    t.true([rpc.colNum, rpc.colDen, rpc.rowNum, rpc.rowDen].every((k) => k.every((x) => Math.abs(x) < 2.5)), 'coefficients of a normalised model are of the order of 1');
  }
});

test('rows have a perspective of their own: no single viewpoint explains the image', (t) => {
  const [, camera] = cameras;
  if (camera === undefined) return t.fail();
  // The lines of sight of the first and last row lean differently by more than the field of view explains.
  const utm = utmZone(settings.lon, settings.lat);
  const lean = (row: number): number => {
    const [lonA, latA] = localize(camera, 1024, row, 1000);
    const [lonB, latB] = localize(camera, 1024, row, 2000);
    const [a, b] = [utmFromLonLat(utm, lonA, latA), utmFromLonLat(utm, lonB, latB)];
    return Math.hypot(b[0] - a[0], b[1] - a[1]) / 1000;
  };
  t.true(Math.abs(lean(0) - lean(2047)) > 1e-4);
});

test('the sampled rays follow the camera to 0.0005 px, the sampled pixels to 0.01 px', (t) => {
  const utm = utmZone(settings.lon, settings.lat);
  const heights = [700, 1745] as const;
  const box = boxAround(footprint(cameras, utm, heights));
  const origin = [box[0], box[1]] as const;
  const random = makeRandom(13);
  const ray = new Float64Array(6);
  const pixel = new Float64Array(2);
  for (const camera of cameras) {
    const view = makeView(camera, utm, origin, [box[2] - box[0], box[3] - box[1]], heights);
    for (let n = 0; n < 200; n++) {
      const [col, row, alt] = [2047 * random(), 2047 * random(), 700 + 1045 * random()];
      rayAt(view, col, row, ray);
      const h = alt - view.reference;
      const [x, y] = [(ray[0] ?? 0) + (ray[1] ?? 0) * h + (ray[2] ?? 0) * h * h, (ray[3] ?? 0) + (ray[4] ?? 0) * h + (ray[5] ?? 0) * h * h];
      const [c, r] = project(camera, ...lonLatFromUtm(utm, origin[0] + x, origin[1] + y), alt);
      t.true(Math.hypot(c - col, r - row) < 5e-4, `ray at ${col} ${row} ${alt}: ${c - col} ${r - row}`);
      pixelAt(view, x, y, alt, ray, pixel);
      t.true(Math.hypot((pixel[0] ?? NaN) - c, (pixel[1] ?? NaN) - r) < 1e-2, `pixel at ${col} ${row} ${alt}: ${pixel[0]} ${pixel[1]}`);
    }
  }
});
