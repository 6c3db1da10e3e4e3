// SPDX-License-Identifier: Apache-2.0
import type { GridSpec, RpcModel } from '@altiplano/kernels';
import { type Camera, localize, project } from './camera.js';
import type { SceneSettings } from './options.js';
import { type View, rayAt } from './view.js';

/** One image of a scene. */
export interface SceneView {
  readonly file: string;
  readonly width: number; readonly height: number;
  /** Of the middle pixel: angle between the line of sight and the vertical, and the azimuth it is looked at from. */
  readonly incidenceDeg: number; readonly azimuthDeg: number;
  readonly gsdM: number;
  /** Difference between RPC and camera, pixels, before any pointing error, at points not fitted to. */
  readonly rpcFit: { readonly rmsPx: number; readonly maxPx: number; readonly checkPoints: number };
  /** Of the RPC as written, the pointing error included. */
  readonly rpc: RpcModel;
}

/** Image 0 and one of the others. */
export interface ScenePair {
  readonly ref: number; readonly sec: number;
  /** Parallax in metres per metre of height, at the middle. */
  readonly baseToHeight: number;
  /** Unit vector in the secondary image along which a point moves as it rises. */
  readonly epipolarDirection: { readonly col: number; readonly row: number };
  /** Pixels the point moves per metre of height, secondary relative to reference. */
  readonly pxPerMetre: number;
  /** RPC error put in: the RPC says (col + shift.col, row + shift.row) for what is at (col, row). */
  readonly pointing: { readonly acrossPx: number; readonly alongPx: number; readonly shift: { readonly col: number; readonly row: number } };
  /** What a perfect alignment adds to the RPC's position: minus the part across the line. The part along is invisible to stereo. */
  readonly expectedCorrection: { readonly col: number; readonly row: number };
}

/** Everything about a scene; written as scene.json. Paths are relative to the scene's directory. */
export interface SceneManifest {
  readonly version: 1;
  readonly settings: SceneSettings;
  readonly crs: string;
  readonly grid: GridSpec;
  readonly heights: {
    readonly groundLow: number; readonly groundHigh: number; readonly maxSlopeDeg: number; readonly rpcLow: number; readonly rpcHigh: number;
  };
  readonly solids: number;
  readonly views: readonly SceneView[];
  readonly pairs: readonly ScenePair[];
  readonly truth: {
    /** Float32 metres above the ellipsoid at cell centres, where any image covers the cell. */
    readonly dsm: string;
    /** uint8, bit k = seen by image k. */
    readonly visible: string;
    /** The DSM where image 0 and another image see it. */
    readonly seen: string;
    readonly coveredCells: number; readonly seenCells: number;
  };
}

/** How a view looks at its middle. */
export function describeLook(view: View): { incidenceDeg: number; azimuthDeg: number; gsdM: number } {
  const ray = new Float64Array(6);
  const next = new Float64Array(6);
  const [col, row] = [(view.width - 1) / 2, (view.height - 1) / 2];
  rayAt(view, col, row, ray);
  rayAt(view, col + 1, row, next);
  const [tx, ty] = [ray[1] ?? 0, ray[4] ?? 0];
  const degrees = 180 / Math.PI;
  return {
    incidenceDeg: Math.atan(Math.hypot(tx, ty)) * degrees,
    azimuthDeg: (Math.atan2(tx, ty) * degrees + 360) % 360,
    gsdM: Math.hypot((next[0] ?? 0) - (ray[0] ?? 0), (next[3] ?? 0) - (ray[3] ?? 0)),
  };
}

/** Image 0 with image `sec`: base, epipolar direction, and the pointing error the settings ask for. */
export function describePair(settings: SceneSettings, [a, va]: readonly [Camera, View], [b, vb]: readonly [Camera, View], sec: number): ScenePair {
  const middle = [(a.width - 1) / 2, (a.height - 1) / 2] as const;
  const low = project(b, ...localize(a, ...middle, settings.altitude));
  const high = project(b, ...localize(a, ...middle, settings.altitude + 10));
  const [dc, dr] = [high[0] - low[0], high[1] - low[1]];
  const size = Math.hypot(dc, dr);
  const direction = { col: dc / size, row: dr / size };
  const [ra, rb] = [new Float64Array(6), new Float64Array(6)];
  rayAt(va, ...middle, ra);
  rayAt(vb, ...low, rb);
  const acrossPx = settings.pointingError[sec - 1] ?? settings.pointingError.at(-1) ?? 0;
  const alongPx = settings.pointingAlong[sec - 1] ?? settings.pointingAlong.at(-1) ?? 0;
  return {
    ref: 0, sec,
    baseToHeight: Math.hypot((ra[1] ?? 0) - (rb[1] ?? 0), (ra[4] ?? 0) - (rb[4] ?? 0)),
    epipolarDirection: direction, pxPerMetre: size / 10,
    pointing: {
      acrossPx, alongPx,
      shift: { col: -direction.row * acrossPx + direction.col * alongPx, row: direction.col * acrossPx + direction.row * alongPx },
    },
    expectedCorrection: { col: direction.row * acrossPx, row: -direction.col * acrossPx },
  };
}
