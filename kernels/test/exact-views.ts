// SPDX-License-Identifier: Apache-2.0
import { evaluatePoly2, evaluatePoly3 } from '../lib/polynomial.js';
import { rpcProject } from '../lib/rpc.js';
import type { TileGeometry, TileGeometryInput } from '../lib/tile-geometry.js';

/** Where both cameras see ground points (E, N, h), by the exact models and the correction: pairs (col, row). */
export function exactViews(
  pair: TileGeometryInput,
  ground: Float64Array,
): { readonly ref: Float64Array; readonly sec: Float64Array } {
  const lonLat = pair.lonLatFromGround(ground.filter((_, i) => i % 3 !== 2));
  const lonLatAlt = Float64Array.from(ground, (h, i) =>
    i % 3 === 2 ? h : (lonLat[2 * Math.floor(i / 3) + (i % 3)] ?? Number.NaN),
  );
  const { col, row } = pair.sec.correction;
  const sec = rpcProject(pair.sec.rpc, lonLatAlt);
  for (let i = 0; i < sec.length; i += 2) {
    const [c = Number.NaN, r = Number.NaN] = sec.subarray(i, i + 2);
    sec.set([col[0] + col[1] * c + col[2] * r, row[0] + row[1] * c + row[2] * r], i);
  }
  return { ref: rpcProject(pair.ref.rpc, lonLatAlt), sec };
}

/** Ground points (E, N, h) spread evenly over the box and the heights. Source: Roberts' R3 sequence. */
export function scattered({ box, heightRange: [low, high] }: TileGeometryInput, n: number): Float64Array {
  const ground = new Float64Array(3 * n);
  for (let i = 0; i < n; i++) {
    const [x = 0, y = 0, z = 0] = [0.8191725134, 0.6710436067, 0.5497004779].map((step) => ((i + 1) * step) % 1);
    ground.set(
      [box.minE + (box.maxE - box.minE) * x, box.minN + (box.maxN - box.minN) * y, low + (high - low) * z],
      3 * i,
    );
  }
  return ground;
}

/** The worst errors of a geometry at points it was not fitted to: pixels of both images, metres. */
export function worstErrors(
  pair: TileGeometryInput,
  geometry: TileGeometry,
): { readonly refPx: number; readonly secPx: number; readonly groundM: number } {
  const ground = scattered(pair, 300);
  const { ref, sec } = exactViews(pair, ground);
  const rect = evaluatePoly3(geometry.rectFromGround, ground);
  const pairs = (side: 0 | 1): Float64Array =>
    rect
      .filter((_, i) => i % 3 !== 2)
      .map((value, i) => (i % 2 === 0 ? value + side * (rect[(i / 2) * 3 + 2] ?? Number.NaN) : value));
  return {
    refPx: worst(evaluatePoly2(geometry.refFromRect, pairs(0)), ref, 2),
    secPx: worst(evaluatePoly2(geometry.secFromRect, pairs(1)), sec, 2),
    groundM: worst(evaluatePoly3(geometry.groundFromRect, rect), ground, 3),
  };
}

function worst(a: Float64Array, b: Float64Array, dimensions: number): number {
  let most = 0;
  for (let i = 0; i < a.length; i += dimensions) {
    const distance = Math.hypot(
      ...Array.from({ length: dimensions }, (_, k) => (a[i + k] ?? Number.NaN) - (b[i + k] ?? Number.NaN)),
    );
    most = Math.max(most, distance); // NaN stays
  }
  return most;
}
