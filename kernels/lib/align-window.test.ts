// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { type AlignImage, type AlignMatch, alignWindow } from './align-window.js';
import { KernelArgumentError } from './errors.js';
import { rpcLocalize, rpcProject } from './rpc.js';
import type { ImageWindow, PixelRect, RpcModel } from './types.js';

const gsdM = 0.5;
const size = { width: 423, height: 407 };
const box = { minE: -75, minN: -75, maxE: 75, maxN: 75 };
const heightRange: readonly [number, number] = [0, 200];
const metresPerDegree = { lon: 96_000, lat: 111_000 };

const lonLatFromGround = (xy: Float64Array): Float64Array =>
  xy.map((value, i) => (i % 2 === 0 ? 31 + value / metresPerDegree.lon : 30 + value / metresPerDegree.lat));

/** A camera whose rows fall by `rowPerM`, and columns grow by `colPerM` pixels per metre of height; slightly curved. */
function camera(colPerM: number, rowPerM: number, colShift = 0, rowShift = 0): RpcModel {
  const terms = (values: Record<number, number>): number[] => Array.from({ length: 20 }, (_, i) => values[i] ?? 0);
  const [altOff, altScale, scale] = [100, 200, 200];
  return {
    lonOff: 31, lonScale: (scale * gsdM) / metresPerDegree.lon, latOff: 30, latScale: (scale * gsdM) / metresPerDegree.lat,
    altOff, altScale, colOff: size.width / 2 + colShift, colScale: scale, rowOff: size.height / 2 + rowShift, rowScale: scale,
    colNum: terms({ 1: 1, 2: 0.04, 3: (colPerM * altScale) / scale, 4: 0.002, 7: 0.001 }), colDen: terms({ 0: 1, 1: 0.0003, 3: 0.0002 }),
    rowNum: terms({ 1: 0.03, 2: -1, 3: (rowPerM * altScale) / scale, 4: -0.001, 8: 0.002 }), rowDen: terms({ 0: 1, 2: 0.0004 }),
  };
}

const terrain = (e: number, n: number): number => 90 + 15 * Math.sin(e / 40) + 10 * Math.cos(n / 30 + e / 60);

/** Texture from 3 to 120 px, fixed on the ground. */
const waves = Array.from({ length: 60 }, (_, k) => {
  const wavelengthM = 1.5 * 40 ** (k / 59);
  const angle = k * 2.399963;
  return { ke: (2 * Math.PI * Math.cos(angle)) / wavelengthM, kn: (2 * Math.PI * Math.sin(angle)) / wavelengthM, phase: (k * k) % 7 };
});
const texture = (e: number, n: number): number => waves.reduce((sum, { ke, kn, phase }) => sum + Math.cos(ke * e + kn * n + phase), 0);

type Paint = (e: number, n: number, col: number, row: number) => number;

/** What a camera sees: each pixel's ray is followed to the terrain. */
function photograph(model: RpcModel, paint: Paint): ImageWindow {
  const { width, height } = size;
  const pixels = new Float64Array(width * height * 3);
  for (let i = 0; i < width * height; i += 1) pixels.set([i % width, Math.floor(i / width), terrain(0, 0)], 3 * i);
  let lonLat = rpcLocalize(model, pixels);
  const ground = (i: number): [number, number] =>
    [((lonLat[2 * i] ?? NaN) - 31) * metresPerDegree.lon, ((lonLat[2 * i + 1] ?? NaN) - 30) * metresPerDegree.lat];
  for (let step = 0; step < 6; step += 1) {
    for (let i = 0; i < width * height; i += 1) pixels[3 * i + 2] = terrain(...ground(i));
    lonLat = rpcLocalize(model, pixels);
  }
  const data = Float32Array.from({ length: width * height }, (_, i) => 500 + 20 * paint(...ground(i), i % width, Math.floor(i / width)));
  return { data, mask: null, col0: 0, row0: 0, width, height };
}

/** An image at 1/4 (of a size that doesn't divide) and full resolution. */
function pyramid(full: ImageWindow, rpc: RpcModel): AlignImage {
  const small = average(full, Math.ceil(full.width / 4), Math.ceil(full.height / 4));
  const windows = [small, full];
  return {
    rpc,
    levels: windows.map(({ width, height }) => ({ width, height, factorCol: full.width / width, factorRow: full.height / height })),
    readWindow: (level, rect) => crop(windows[level] ?? full, rect),
  };
}

function average({ data, mask, width, height }: ImageWindow, toWidth: number, toHeight: number): ImageWindow {
  const out = new Float32Array(toWidth * toHeight);
  const outMask = new Uint8Array(toWidth * toHeight);
  const [fx, fy] = [width / toWidth, height / toHeight];
  for (let y = 0; y < toHeight; y += 1) {
    for (let x = 0; x < toWidth; x += 1) {
      let [sum, weight] = [0, 0];
      for (let r = Math.floor(y * fy); r < Math.min(height, (y + 1) * fy); r += 1) {
        const wy = Math.min(r + 1, (y + 1) * fy) - Math.max(r, y * fy);
        for (let c = Math.floor(x * fx); c < Math.min(width, (x + 1) * fx); c += 1) {
          if (mask !== null && mask[r * width + c] === 0) continue;
          const w = wy * (Math.min(c + 1, (x + 1) * fx) - Math.max(c, x * fx));
          sum += w * (data[r * width + c] ?? 0);
          weight += w;
        }
      }
      out[y * toWidth + x] = sum / weight;
      outMask[y * toWidth + x] = weight > 0.99 * fx * fy ? 1 : 0;
    }
  }
  return { data: out, mask: outMask, col0: 0, row0: 0, width: toWidth, height: toHeight };
}

function crop(window: ImageWindow, { col0, row0, width, height }: PixelRect): ImageWindow {
  const take = <T extends Float32Array | Uint8Array>(from: T, to: T): T => {
    for (let y = 0; y < height; y += 1) {
      to.set(from.subarray((row0 + y) * window.width + col0, (row0 + y) * window.width + col0 + width), y * width);
    }
    return to;
  };
  const data = take(Float32Array.from(window.data), new Float32Array(width * height));
  return { data, mask: window.mask === null ? null : take(window.mask, new Uint8Array(width * height)), col0, row0, width, height };
}

const noise = (amplitude: number, seed: number): Paint => (_e, _n, col, row) => {
  const x = Math.sin(col * 127.1 + row * 311.7 + seed * 74.7) * 43_758.5453;
  return amplitude * (x - Math.floor(x) - 0.5);
};
const seen: Paint = (e, n) => texture(e, n);
const refCamera = camera(0.01, -0.1);
const secCamera = camera(-0.02, 0.3);
const refImage = photograph(refCamera, (e, n, col, row) => seen(e, n, col, row) + noise(1, 1)(e, n, col, row));
const secImage = photograph(secCamera, (e, n, col, row) => 0.8 * seen(e, n, col, row) + noise(1, 2)(e, n, col, row));

/** Where matches lie beside the truth, in the secondary. */
function errorsOf(matches: readonly AlignMatch[]): (readonly [number, number])[] {
  return matches.map(([colRef, rowRef, colSec, rowSec]) => {
    let h = terrain(0, 0);
    let lonLat = new Float64Array(2);
    for (let step = 0; step < 20; step += 1) {
      lonLat = Float64Array.from(rpcLocalize(refCamera, Float64Array.of(colRef, rowRef, h)));
      h = terrain(((lonLat[0] ?? NaN) - 31) * metresPerDegree.lon, ((lonLat[1] ?? NaN) - 30) * metresPerDegree.lat);
    }
    const [col = NaN, row = NaN] = rpcProject(secCamera, Float64Array.of(...lonLat, h));
    return [colSec - col, rowSec - row];
  });
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

for (const acrossPx of [0, 0.5, 8, -20]) {
  test(`a pointing error of ${acrossPx} px does not keep matches from their true places`, (t) => {
    // Epipolar lines run along the columns: an error of the column is one across them.
    const wrong = camera(-0.02, 0.3, acrossPx, 3);
    const matches = alignWindow({
      ref: pyramid(refImage, refCamera), sec: pyramid(secImage, wrong), box, heightRange, lonLatFromGround, searchPx: 24,
    });
    t.true(matches.length >= 60, `${matches.length} matches`);
    const errors = errorsOf(matches);
    t.true(Math.abs(median(errors.map(([col]) => col))) < 0.01, 'bias across');
    t.true(Math.abs(median(errors.map(([, row]) => row))) < 0.02, 'bias along');
    t.true(median(errors.map(([col]) => Math.abs(col))) < 0.05, 'error across');
    const wild = errors.filter(([col, row]) => Math.hypot(col, row) > 0.5).length;
    t.true(wild <= 0.03 * errors.length, `${wild} of ${errors.length} off by more than half a pixel`);
    const [error, bias] = [median(errors.map(([col]) => Math.abs(col))), median(errors.map(([col]) => col))];
    t.log(`${matches.length} matches, median |error| across ${error.toFixed(4)} px, bias ${bias.toFixed(4)} px`);
  });
}

test('no match uses pixels without data', (t) => {
  const mask = new Uint8Array(size.width * size.height).fill(1);
  for (let row = 0; row < size.height; row += 1) mask.fill(0, row * size.width + 200, row * size.width + 240);
  const data = Float32Array.from(refImage.data, (value, i) => (mask[i] === 0 ? 0 : value));
  const matches = alignWindow({
    ref: pyramid({ ...refImage, data, mask }, refCamera), sec: pyramid(secImage, secCamera), box, heightRange, lonLatFromGround, searchPx: 10,
  });
  t.true(matches.length >= 30);
  t.true(matches.every(([col]) => col < 190 || col > 249));
  t.true(median(errorsOf(matches).map(([col]) => Math.abs(col))) < 0.05);
});

test('water and repeated texture give no wrong matches', (t) => {
  const paints: [string, Paint, Paint][] = [
    ['water', noise(3, 5), noise(3, 6)],
    ['a repeated texture', ...(['', ''].map((): Paint => (e, n) => 4 * Math.cos((2 * Math.PI * e) / 6) * Math.cos((2 * Math.PI * n) / 5)) as [Paint, Paint])],
  ];
  for (const [name, refPaint, secPaint] of paints) {
    const matches = alignWindow({
      ref: pyramid(photograph(refCamera, refPaint), refCamera), sec: pyramid(photograph(secCamera, secPaint), secCamera),
      box, heightRange, lonLatFromGround, searchPx: 24,
    });
    t.is(matches.length, 0, name);
  }
});

test('a window beside the secondary, or too small for a patch, has no matches', (t) => {
  const pair = { ref: pyramid(refImage, refCamera), sec: pyramid(secImage, secCamera), heightRange, lonLatFromGround, searchPx: 10 };
  t.deepEqual(alignWindow({ ...pair, box: { minE: 400, minN: 0, maxE: 500, maxN: 100 } }), []);
  t.notThrows(() => alignWindow({ ...pair, box: { minE: 0, minN: 0, maxE: 1, maxN: 1 } }));
});

test('bad arguments are refused by name', (t) => {
  const pair = { ref: pyramid(refImage, refCamera), sec: pyramid(secImage, secCamera), box, heightRange, lonLatFromGround, searchPx: 10 };
  t.throws(() => alignWindow({ ...pair, searchPx: -1 }), { instanceOf: KernelArgumentError, message: /searchPx/ });
  t.throws(() => alignWindow({ ...pair, sec: { ...pair.sec, levels: [] } }), { instanceOf: KernelArgumentError, message: /sec.levels/ });
});
