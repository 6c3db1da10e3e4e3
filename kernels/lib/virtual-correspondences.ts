// SPDX-License-Identifier: Apache-2.0
import { evaluatePoly2, fitPoly3 } from './polynomial.js';
import { rpcProject } from './rpc.js';
import type { Affine, Poly2, RpcModel } from './types.js';

export interface GeometryImage {
  readonly rpc: RpcModel;
  readonly width: number;
  readonly height: number;
}

export interface GeometryPair {
  readonly ref: GeometryImage;
  /** `correction`: true secondary pixel = correction applied to the RPC's. */
  readonly sec: GeometryImage & { readonly correction: Affine };
  /** N pairs (east, north) of the output CRS to N pairs (lon, lat), degrees. Called for samples only. */
  readonly lonLatFromGround: (eastNorth: Float64Array) => Float64Array;
}

export interface GroundBox {
  readonly minE: number;
  readonly minN: number;
  readonly maxE: number;
  readonly maxN: number;
}

/** Ground points and where both cameras see them: N triples (E, N, h) and twice N pairs (col, row). */
export interface VirtualCorrespondences {
  readonly ground: Float64Array;
  readonly ref: Float64Array;
  readonly sec: Float64Array;
}

/**
 * Exact correspondences on a lattice of nE x nN x nH ground points over a box and a height range. They lie on
 * the box's faces, or, `inside`, in the middle of the lattice's cells (check points between another lattice's points).
 */
export function virtualCorrespondences(
  pair: GeometryPair,
  box: GroundBox,
  [low, high]: readonly [number, number],
  [nE, nN, nH]: readonly [number, number, number],
  inside = false,
): VirtualCorrespondences {
  const eastNorth = latticeOf(box, nE, nN, inside);
  const ground = raised(eastNorth, low, high, nH, inside);
  const lonLatAlt = raised(pair.lonLatFromGround(eastNorth), low, high, nH, inside);
  const sec = rpcProject(pair.sec.rpc, lonLatAlt);
  return {
    ground,
    ref: rpcProject(pair.ref.rpc, lonLatAlt),
    sec: evaluatePoly2(polynomialOf(pair.sec.correction), sec),
  };
}

/** The i-th of n numbers from one end to the other, or, `inside`, in the middles of n parts. */
const along = (from: number, to: number, n: number, i: number, inside: boolean): number =>
  from + (to - from) * (inside ? (i + 0.5) / n : i / (n - 1));

/** Pairs (east, north), west to east in rows from north to south. */
function latticeOf({ minE, minN, maxE, maxN }: GroundBox, nE: number, nN: number, inside: boolean): Float64Array {
  const pairs = new Float64Array(2 * nE * nN);
  for (let j = 0, o = 0; j < nN; j++) {
    for (let i = 0; i < nE; i++, o += 2) {
      pairs[o] = along(minE, maxE, nE, i, inside);
      pairs[o + 1] = along(maxN, minN, nN, j, inside);
    }
  }
  return pairs;
}

/** Triples: all pairs at the first height, then at the next. */
function raised(pairs: Float64Array, low: number, high: number, nH: number, inside: boolean): Float64Array {
  const triples = new Float64Array((pairs.length / 2) * nH * 3);
  for (let k = 0, o = 0; k < nH; k++) {
    const h = along(low, high, nH, k, inside);
    for (let i = 0; i < pairs.length; i += 2, o += 3) {
      triples[o] = pairs[i] ?? Number.NaN;
      triples[o + 1] = pairs[i + 1] ?? Number.NaN;
      triples[o + 2] = h;
    }
  }
  return triples;
}

/** What one image does around a place, to first order: pixels per metre east, north and up. */
interface LocalView {
  readonly byE: readonly [number, number];
  readonly byN: readonly [number, number];
  readonly byH: readonly [number, number];
}

/** How the two views differ, to first order. */
export interface PairView {
  /** In the reference image, the direction (col, row), of length 1, in which d = u_sec - u_ref grows with height. */
  readonly axis: readonly [number, number];
  /** Metres between the ground points that both views show in one reference pixel, per metre of height. */
  readonly baseToHeight: number;
  /** Disparity per metre of height, reference pixels. */
  readonly pxPerMetre: number;
  /** Side of a square reference pixel of the same ground area, metres. */
  readonly pixelM: number;
}

/**
 * Fits both views by an affine camera and compares them. A point that rises by dh and stays on the same secondary
 * pixel moves on the ground by x = -J2^-1 h2 dh and so, in the reference, by e = h1 - J1 J2^-1 h2: the epipolar
 * direction. The same point seen from a fixed reference pixel moves the other way in the secondary: d grows along -e.
 */
export function pairView({ ground, ref, sec }: VirtualCorrespondences): PairView {
  const one = localView(ground, ref);
  const two = localView(ground, sec);
  const fall1 = groundShift(one);
  const fall2 = groundShift(two);
  const base: readonly [number, number] = [fall2[0] - fall1[0], fall2[1] - fall1[1]];
  const e = [0, 1].map((k) => (one.byE[k] ?? Number.NaN) * base[0] + (one.byN[k] ?? Number.NaN) * base[1]);
  const [col, row] = [-(e[0] ?? Number.NaN), -(e[1] ?? Number.NaN)];
  const pxPerMetre = Math.sqrt(col * col + row * row);
  return {
    axis: [col / pxPerMetre, row / pxPerMetre],
    baseToHeight: Math.sqrt(base[0] * base[0] + base[1] * base[1]),
    pxPerMetre,
    pixelM: 1 / Math.sqrt(Math.abs(one.byE[0] * one.byN[1] - one.byE[1] * one.byN[0])),
  };
}

/** Metres (E, N) by which a point that rises by one metre must move to stay on its pixel: -J^-1 h. */
function groundShift({ byE, byN, byH }: LocalView): readonly [number, number] {
  const determinant = byE[0] * byN[1] - byN[0] * byE[1];
  return [-(byN[1] * byH[0] - byN[0] * byH[1]) / determinant, -(byE[0] * byH[1] - byE[1] * byH[0]) / determinant];
}

function localView(ground: Float64Array, pixels: Float64Array): LocalView {
  const padded = new Float64Array(ground.length);
  for (let i = 0; 2 * i < pixels.length; i++) {
    padded[3 * i] = pixels[2 * i] ?? Number.NaN;
    padded[3 * i + 1] = pixels[2 * i + 1] ?? Number.NaN;
  }
  const {
    scale,
    coefficients: [col, row],
  } = fitPoly3(1, ground, padded);
  const by = (k: number): readonly [number, number] => {
    const unit = scale[k - 1] ?? Number.NaN;
    return [(col[k] ?? Number.NaN) / unit, (row[k] ?? Number.NaN) / unit];
  };
  return { byE: by(1), byN: by(2), byH: by(3) };
}

function polynomialOf({ col, row }: Affine): Poly2 {
  return {
    degree: 1,
    uOff: 0,
    uScale: 1,
    vOff: 0,
    vScale: 1,
    first: Float64Array.from(col),
    second: Float64Array.from(row),
  };
}
