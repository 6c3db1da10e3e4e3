// SPDX-License-Identifier: Apache-2.0
import type { Affine, RpcModel } from '../lib/types.js';

export const identity: Affine = { col: [0, 1, 0], row: [0, 0, 1] };

/** Degrees per metre of the synthetic ground: a plane CRS whose origin is (30, 45). */
const perMetre = { lon: 1 / 78_800, lat: 1 / 111_100 };

export function lonLatFromGround(eastNorth: Float64Array): Float64Array {
  return eastNorth.map((value, i) => (i % 2 === 0 ? 30 + value * perMetre.lon : 45 + value * perMetre.lat));
}

export function groundFromLonLat(lonLat: Float64Array): Float64Array {
  return lonLat.map((value, i) => (i % 2 === 0 ? (value - 30) / perMetre.lon : (value - 45) / perMetre.lat));
}

/**
 * A camera with half-metre pixels over 10 km, 1000 x 1000 pixels of which are the image: north up but for a turn,
 * tilted by (tiltE, tiltN) metres per metre of height, with the curved terms and denominators real ones have.
 */
export function syntheticRpc(
  { tiltE = 0, tiltN = 0, turn = 0.05 }: { readonly tiltE?: number; readonly tiltN?: number; readonly turn?: number },
): RpcModel {
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  // Normalised: L, P in +-1 over +-5 km, H over +-500 m; a pixel coordinate of 1 is 10000 px.
  const numerator = (byE: number, byN: number, curve: number): number[] => [
    0.0004, byE, byN, 0.1 * (tiltE * byE + tiltN * byN), 3e-4, -2e-4 * curve, 1e-4, 5e-4 * curve, -2e-4, 1e-6,
    2e-5, 1e-5, 0, 0, -1e-5, 2e-5, 0, 1e-6, 0, 0,
  ];
  const denominator = (curve: number): number[] =>
    [1, 2e-4 * curve, -3e-4, 1.5e-4, 1e-5, 0, 2e-5, 0, -1e-5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  return {
    lonOff: 30, lonScale: 5000 * perMetre.lon, latOff: 45, latScale: 5000 * perMetre.lat, altOff: 300, altScale: 500,
    colOff: 500, colScale: 10_000, rowOff: 500, rowScale: 10_000,
    colNum: numerator(cos, sin, 1), colDen: denominator(1), rowNum: numerator(sin, -cos, -1), rowDen: denominator(-2),
  };
}

/** Two views along one orbit, base to height 0.5: the epipolar lines run nearly along the rows of pixels. */
export const syntheticPair = {
  ref: syntheticRpc({ tiltN: -0.1, tiltE: 0.05 }),
  sec: syntheticRpc({ tiltN: 0.4, tiltE: 0.08, turn: 0.04 }),
};

/** The same camera, normalised as some real crops are: image coordinates near -37, ground far off its middle. */
export function oddlyNormalised(model: RpcModel): RpcModel {
  const shift = 37.28;
  const moved = (numerator: readonly number[], denominator: readonly number[]): number[] =>
    numerator.map((c, k) => c * (model.rowScale / 512) - shift * (denominator[k] ?? Number.NaN));
  return {
    ...model,
    rowOff: model.rowOff + shift * 512, rowScale: 512, rowNum: moved(model.rowNum, model.rowDen),
    colOff: model.colOff + shift * 512, colScale: 512, colNum: moved(model.colNum, model.colDen),
  };
}
