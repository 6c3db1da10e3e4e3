// SPDX-License-Identifier: Apache-2.0
import { type AlignImage, type AlignMatch, type ImageWindow, type PixelRect, type RpcModel, alignWindow, rpcLocalize, rpcProject } from '@altiplano/kernels';
import { readRpc, readWindow, transformPoints } from '@altiplano/kernels/raster';
import { dataPath } from '@altiplano/kernels/testing';
import test from 'ava';
import { type Pointing, solvePointing } from '../src/solve-pointing.js';

/** Pointing errors others measured by feature matching: median distances from the epipolar lines. */
const pairs = [
  { name: 'gizeh', ref: 'gizeh/img1.tif', sec: 'gizeh/img2.tif', crs: 'EPSG:32636', heightRange: [-100, 600], correctionPx: -0.496, othersPx: 0.51, rmsPx: 0.1 },
  { name: 's2p_pair', ref: 's2p_pair/img_01.tif', sec: 's2p_pair/img_02.tif', crs: 'EPSG:32740', heightRange: [2100, 2600], correctionPx: -0.722, othersPx: 0.71, rmsPx: 0.15 },
] as const;

for (const pair of pairs) {
  test(`${pair.name}: the pointing correction is what others measured, and injected errors come out of it`, (t) => {
    const [ref, sec] = [dataPath(t.log, pair.ref), dataPath(t.log, pair.sec)];
    if (ref === null || sec === null) return t.pass();
    const [refRpc, secRpc] = [readRpc(ref).model, readRpc(sec).model];
    const own = solve(pair, image(ref, refRpc), image(sec, secRpc));
    t.log(`correction ${own.correctionPx.toFixed(3)} px (${own.model}), median before ${own.medianPx.toFixed(3)}, after ${own.medianAfterPx.toFixed(3)}, `
      + `RMS ${own.rmsPx.toFixed(3)} px, ${own.inliers} of ${own.matches} matches`);
    t.true(Math.abs(own.correctionPx - pair.correctionPx) < 0.03);
    t.true(Math.abs(own.medianPx - pair.othersPx) < 0.05);
    t.true(own.rmsPx < pair.rmsPx);
    t.true(own.inliers > 0.9 * own.matches);

    for (const px of [8, -20]) {
      // The RPC is moved by px columns; the images say by how much of that it is across the lines.
      const moved = solve(pair, image(ref, refRpc), image(sec, { ...secRpc, colOff: secRpc.colOff - px }));
      const columns = moved.correction.col[0] - own.correction.col[0];
      const expected = px * normalColumn(own) ** 2;
      t.log(`injected ${px} px: found ${(columns / normalColumn(own) ** 2).toFixed(3)} px`);
      t.true(Math.abs(columns - expected) < 0.05, `${columns} instead of ${expected}`);
    }
  });
}

/** The column part of the epipolar normal, from a correction that is a shift along it. */
function normalColumn({ correction: { col, row } }: Pointing): number {
  return Math.abs(col[0]) / Math.hypot(col[0], row[0]);
}

function solve(pair: (typeof pairs)[number], ref: RealImage, sec: RealImage): Pointing {
  const heightRange: [number, number] = [...pair.heightRange];
  const box = groundOf(ref, pair.crs, (heightRange[0] + heightRange[1]) / 2);
  const matches: AlignMatch[] = [];
  const [stepE, stepN] = [(box.maxE - box.minE) / 2, (box.maxN - box.minN) / 2];
  for (const [i, j] of [[0, 0], [1, 0], [0, 1], [1, 1]] as const) {
    matches.push(...alignWindow({
      ref, sec, heightRange, searchPx: 24, lonLatFromGround: (xy) => transformPoints(pair.crs, 'EPSG:4326', xy),
      box: { minE: box.minE + i * stepE, maxE: box.minE + (i + 1) * stepE, minN: box.minN + j * stepN, maxN: box.minN + (j + 1) * stepN },
    }));
  }
  return solvePointing({ pairId: '0_1', refRpc: ref.rpc, secRpc: sec.rpc, secSize: sec, matches, heightRange }, { rpcProject, rpcLocalize });
}

interface RealImage extends AlignImage { readonly width: number; readonly height: number }

/** An image at a quarter and at full resolution. */
function image(path: string, rpc: RpcModel): RealImage {
  const full = readWindow(path, { band: 1 });
  const small = average(full, Math.ceil(full.width / 4), Math.ceil(full.height / 4));
  return {
    rpc, width: full.width, height: full.height,
    levels: [small, full].map(({ width, height }) => ({ width, height, factorCol: full.width / width, factorRow: full.height / height })),
    readWindow: (level, rect) => (level === 0 ? crop(small, rect) : readWindow(path, { band: 1, rect })),
  };
}

/** Averages by pixel area, as GDAL's overviews of sizes that don't divide are meant; these images have no gaps. */
function average({ data: pixels, width, height }: ImageWindow, toWidth: number, toHeight: number): ImageWindow {
  const out = new Float32Array(toWidth * toHeight);
  const [fx, fy] = [width / toWidth, height / toHeight];
  for (let i = 0; i < out.length; i += 1) {
    const [left, top] = [(i % toWidth) * fx, Math.floor(i / toWidth) * fy];
    let [sum, weight] = [0, 0];
    for (let r = Math.floor(top); r < Math.min(height, top + fy); r += 1) {
      const wy = Math.min(r + 1, top + fy) - Math.max(r, top);
      for (let c = Math.floor(left); c < Math.min(width, left + fx); c += 1) {
        const w = wy * (Math.min(c + 1, left + fx) - Math.max(c, left));
        sum += w * (pixels[r * width + c] ?? NaN);
        weight += w;
      }
    }
    out[i] = sum / weight;
  }
  return { data: out, mask: null, col0: 0, row0: 0, width: toWidth, height: toHeight };
}

function crop(window: ImageWindow, { col0, row0, width, height }: PixelRect): ImageWindow {
  const out = new Float32Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const start = (row0 + y) * window.width + col0;
    out.set(window.data.subarray(start, start + width), y * width);
  }
  return { data: out, mask: null, col0, row0, width, height };
}

function groundOf({ rpc, width, height }: RealImage, crs: string, h: number): { minE: number; minN: number; maxE: number; maxN: number } {
  const corners = rpcLocalize(rpc, Float64Array.of(0, 0, h, width - 1, 0, h, 0, height - 1, h, width - 1, height - 1, h));
  const ground = transformPoints('EPSG:4326', crs, corners);
  const [e, n] = [ground.filter((_, i) => i % 2 === 0), ground.filter((_, i) => i % 2 === 1)];
  return { minE: Math.min(...e), maxE: Math.max(...e), minN: Math.min(...n), maxN: Math.max(...n) };
}
