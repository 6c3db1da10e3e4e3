// SPDX-License-Identifier: Apache-2.0
import type { Cover } from './cover.js';
import type { SolidSet } from './objects.js';
import type { Terrain } from './terrain.js';

/**
 * Everything there is to see. Inner coordinates are metres east and north of the south-west corner (originE, originN)
 * in the scene's UTM zone; heights are metres above the ellipsoid. The surface is exactly the union of the bilinear
 * terrain and the solids in these coordinates. Plain data over shared buffers: worker threads get it for free.
 */
export interface World {
  readonly originE: number; readonly originN: number;
  readonly terrain: Terrain;
  readonly solids: SolidSet;
  readonly cover: Cover;
  readonly sun: Sun;
  readonly ground: GroundRadiance;
}

/** Direction to the sun (unit vector), and metres moved east and north per metre of height towards it. */
export interface Sun { readonly x: number; readonly y: number; readonly z: number; readonly tx: number; readonly ty: number }

/** Radiance of the bare ground, shading and shadows included, at nodes `spacing` apart, bilinear in between; in 1/`groundScale` DN. */
export interface GroundRadiance {
  readonly spacing: number; readonly cols: number; readonly rows: number; readonly data: Uint16Array;
  /** Columns [from, to) per row that any image can show; the others stay unshaded. */
  readonly spans: Int32Array;
}

export const groundScale = 8;

export function makeSun(azimuth: number, elevation: number): Sun {
  const [a, e] = [(azimuth * Math.PI) / 180, (elevation * Math.PI) / 180];
  return { x: Math.sin(a) * Math.cos(e), y: Math.cos(a) * Math.cos(e), z: Math.sin(e), tx: Math.sin(a) / Math.tan(e), ty: Math.cos(a) / Math.tan(e) };
}
