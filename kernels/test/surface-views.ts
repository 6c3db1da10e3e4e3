// SPDX-License-Identifier: Apache-2.0
import { evaluatePoly2 } from '../lib/polynomial.js';
import { rpcLocalize } from '../lib/rpc.js';
import type { TileGeometry, TileGeometryInput } from '../lib/tile-geometry.js';
import { exactViews } from './exact-views.js';

/**
 * What a perfect matcher finds on a surface height(east, north): for every pixel of the tile's block the disparity, and the
 * ground point (E, N, h). The reference's ray is followed to the surface by the exact RPC, the point projected by the
 * secondary's, and u found where secFromRect comes closest to it. Only for surfaces no ray crosses twice.
 */
export function perfectDisparities(
  pair: TileGeometryInput,
  { rect, refFromRect, secFromRect }: TileGeometry,
  groundFromLonLat: (lonLat: Float64Array) => Float64Array,
  height: (east: number, north: number) => number,
): { readonly disparity: Float32Array; readonly ground: Float64Array } {
  const n = rect.width * rect.height;
  const uv = Float64Array.from({ length: 2 * n }, (_, i) =>
    i % 2 === 0 ? rect.u0 + ((i / 2) % rect.width) : rect.v0 + Math.floor(i / 2 / rect.width),
  );
  const pixels = evaluatePoly2(refFromRect, uv);
  const ground = new Float64Array(3 * n).fill((pair.heightRange[0] + pair.heightRange[1]) / 2);
  for (let round = 0; round < 40; round++) {
    const rays = Float64Array.from(
      { length: 3 * n },
      (_, i) => (i % 3 === 2 ? ground[i] : pixels[2 * Math.floor(i / 3) + (i % 3)]) ?? Number.NaN,
    );
    const eastNorth = groundFromLonLat(rpcLocalize(pair.ref.rpc, rays));
    for (let i = 0; i < n; i++) {
      const [e = Number.NaN, north = Number.NaN] = eastNorth.subarray(2 * i, 2 * i + 2);
      ground.set([e, north, height(e, north)], 3 * i);
    }
  }
  const { sec } = exactViews(pair, ground);
  // Newton along the row; whole columns at once.
  const at = uv.slice();
  const ahead = (points: Float64Array): Float64Array => points.map((value, i) => (i % 2 === 0 ? value + 1 : value));
  for (let round = 0; round < 6; round++) {
    const [here, next] = [evaluatePoly2(secFromRect, at), evaluatePoly2(secFromRect, ahead(at))];
    for (let i = 0; i < 2 * n; i += 2) {
      const [c = 0, r = 0, nextC = 0, nextR = 0] = [here[i], here[i + 1], next[i], next[i + 1]];
      const [dc, dr] = [nextC - c, nextR - r];
      at[i] = (at[i] ?? 0) + (dc * ((sec[i] ?? 0) - c) + dr * ((sec[i + 1] ?? 0) - r)) / (dc * dc + dr * dr);
    }
  }
  return { disparity: Float32Array.from({ length: n }, (_, i) => (at[2 * i] ?? 0) - (uv[2 * i] ?? 0)), ground };
}
