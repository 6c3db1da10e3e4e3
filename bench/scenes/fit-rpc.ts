// SPDX-License-Identifier: Apache-2.0
import type { RpcModel } from '@altiplano/kernels';
import { type Camera, localize } from './camera.js';
import { leastSquares } from './least-squares.js';

/** How well an RPC stands for its camera, at points it was not fitted to: distance in pixels. */
export interface RpcFit { readonly rpc: RpcModel; readonly rmsPx: number; readonly maxPx: number; readonly checkPoints: number }

const columns = 17;
const altitudes = 9;
// Pulls coefficients the data leave open towards zero; small against the fit, large against rounding.
const ridge = 1e-7;

/**
 * Fits an RPC (ratios of cubics, all 78 free coefficients) to a camera over the whole image and an altitude range
 * in metres, and measures it at points between the fitted ones. The linear problem num - value * den = 0 is solved
 * by regularised least squares, then once more weighted by 1/den, so that pixels are minimised.
 * Source: Tao and Hu 2001, "A comprehensive study of the rational function model".
 */
export function fitRpc(camera: Camera, altRange: readonly [number, number]): RpcFit {
  const samples = sampleCamera(camera, altRange, columns, altitudes);
  const box = (k: 0 | 1): readonly [number, number] => {
    const values = samples.map((s) => s.ground[k]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return [(low + high) / 2, (high - low) / 2];
  };
  const [lonOff, lonScale] = box(0);
  const [latOff, latScale] = box(1);
  const frame = {
    lonOff, lonScale, latOff, latScale,
    altOff: (altRange[0] + altRange[1]) / 2, altScale: (altRange[1] - altRange[0]) / 2,
    colOff: (camera.width - 1) / 2, colScale: camera.width / 2,
    rowOff: (camera.height - 1) / 2, rowScale: camera.height / 2,
  };
  const terms = samples.map((s) => rpcTerms(frame, s.ground));
  const col = fitRatio(terms, samples.map((s) => (s.col - frame.colOff) / frame.colScale));
  const row = fitRatio(terms, samples.map((s) => (s.row - frame.rowOff) / frame.rowScale));
  const rpc: RpcModel = { ...frame, colNum: col.num, colDen: col.den, rowNum: row.num, rowDen: row.den };

  const checks = sampleCamera(camera, altRange, columns + 7, altitudes + 4);
  const errors = checks.map((s) => {
    const [c, r] = projectRpc(rpc, s.ground);
    return Math.hypot(c - s.col, r - s.row);
  });
  const rmsPx = Math.sqrt(errors.reduce((sum, d) => sum + d * d, 0) / errors.length);
  return { rpc, rmsPx, maxPx: Math.max(...errors), checkPoints: errors.length };
}

type Point = readonly [number, number, number];
interface Sample { readonly col: number; readonly row: number; readonly ground: Point }

function sampleCamera(camera: Camera, altRange: readonly [number, number], count: number, levels: number): Sample[] {
  const samples: Sample[] = [];
  for (let k = 0; k < levels; k++) {
    const alt = altRange[0] + ((altRange[1] - altRange[0]) * k) / (levels - 1);
    for (let j = 0; j < count; j++) {
      for (let i = 0; i < count; i++) {
        const col = -0.5 + (camera.width * i) / (count - 1);
        const row = -0.5 + (camera.height * j) / (count - 1);
        samples.push({ col, row, ground: localize(camera, col, row, alt) });
      }
    }
  }
  return samples;
}

type Frame = Omit<RpcModel, 'colNum' | 'colDen' | 'rowNum' | 'rowDen'>;

/** The 20 RPC00B terms of a ground point. */
function rpcTerms(frame: Frame, [lon, lat, alt]: Point): number[] {
  const L = (lon - frame.lonOff) / frame.lonScale;
  const P = (lat - frame.latOff) / frame.latScale;
  const H = (alt - frame.altOff) / frame.altScale;
  return [
    1, L, P, H, L * P, L * H, P * H, L * L, P * P, H * H, P * L * H,
    L ** 3, L * P * P, L * H * H, L * L * P, P ** 3, P * H * H, L * L * H, P * P * H, H ** 3,
  ];
}

/** Our own small projection, so that the scene's truth does not rest on the kernels it tests. */
export function projectRpc(rpc: RpcModel, ground: Point): readonly [number, number] {
  const terms = rpcTerms(rpc, ground);
  const poly = (k: readonly number[]): number => terms.reduce((sum, t, i) => sum + t * (k[i] ?? 0), 0);
  return [rpc.colOff + (rpc.colScale * poly(rpc.colNum)) / poly(rpc.colDen), rpc.rowOff + (rpc.rowScale * poly(rpc.rowNum)) / poly(rpc.rowDen)];
}

function fitRatio(terms: readonly (readonly number[])[], values: readonly number[]): { num: number[]; den: number[] } {
  let weights = values.map(() => 1);
  let num: number[] = [];
  let den: number[] = [];
  for (let pass = 0; pass < 2; pass++) {
    const column = (f: (t: readonly number[], value: number) => number): Float64Array =>
      Float64Array.from(terms, (t, i) => f(t, values[i] ?? 0) * (weights[i] ?? 1));
    const columns = [
      ...Array.from({ length: 20 }, (_, k) => column((t) => t[k] ?? 0)),
      ...Array.from({ length: 19 }, (_, k) => column((t, value) => -value * (t[k + 1] ?? 0))),
    ];
    const solution = leastSquares(columns, column((_, value) => value), ridge);
    num = [...solution.subarray(0, 20)];
    den = [1, ...solution.subarray(20)];
    weights = terms.map((t) => 1 / t.reduce((sum, x, i) => sum + x * (den[i] ?? 0), 0));
  }
  return { num, den };
}
