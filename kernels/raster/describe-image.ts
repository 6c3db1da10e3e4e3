// SPDX-License-Identifier: Apache-2.0
import { rpcLocalize, rpcProject } from '../lib/rpc.js';
import type { RpcModel } from '../lib/types.js';
import { RasterError, RpcError } from './errors.js';
import { openInfo, type RasterInfo } from './info.js';
import { readRpc, type RpcReading } from './read-rpc.js';

export interface ImageInfo {
  readonly raster: RasterInfo;
  /** The band looked at, from 1, and its pixel type and no-data value. */
  readonly band: number;
  readonly type: string;
  readonly noData: number | null;
  /** What says which pixels are valid: 'no-data value', 'mask band', 'mask file'; empty = all are. */
  readonly validity: readonly string[];
  /** null: none, or one that can't be used; rpcProblem says why. */
  readonly rpc: RpcInfo | null;
  readonly rpcProblem: string | null;
}

export interface RpcInfo extends RpcReading {
  /** Longitude, latitude of the image's outer corners at the middle altitude, clockwise from the first pixel's, closed. */
  readonly footprint: readonly (readonly [number, number])[];
  /** Metres on the ground from a pixel to the next, at the image's centre and the middle altitude. */
  readonly gsdM: { readonly col: number; readonly row: number };
  /** [lowest, highest] altitude the RPC is made for: offset -+ scale, metres above the ellipsoid. */
  readonly altitudeDomain: readonly [number, number];
  readonly inversion: RpcInversion;
}

export interface RpcInversion {
  /** Pixels checked: a grid over the image at the lowest, middle and highest altitude. */
  readonly points: number;
  /** How many of them found no ground. */
  readonly failed: number;
  /** Largest distance in pixels after localize and project; over those that found ground. */
  readonly worstPx: number;
  /** No failures and better than 0.01 px. */
  readonly ok: boolean;
}

export interface DescribeOptions {
  readonly band?: number;
  readonly maskPath?: string;
  readonly rpcPath?: string;
}

/** What Altiplano understands of an image. Throws RasterError where the raster can't be read; an unusable RPC is reported in the result. */
export function describeImage(path: string, options: DescribeOptions = {}): ImageInfo {
  const { band = 1, maskPath, rpcPath } = options;
  const raster = openInfo(path);
  const found = raster.bands[band - 1];
  if (found === undefined) throw new RasterError(path, `has no band ${band} (it has ${raster.bands.length})`);
  if (maskPath !== undefined) checkMask(raster, maskPath);
  const validity = [
    ...(found.noData === null ? [] : [`no-data value ${found.noData}`]),
    ...(raster.hasMask ? ['mask band'] : []),
    ...(maskPath === undefined ? [] : [`mask file ${maskPath}`]),
  ];
  const base = { raster, band, type: found.type, noData: found.noData, validity };
  try {
    const reading = readRpc(path, rpcPath === undefined ? {} : { rpcPath });
    return { ...base, rpc: { ...reading, ...examineRpc(reading.model, raster.width, raster.height) }, rpcProblem: null };
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return { ...base, rpc: null, rpcProblem: error.message };
  }
}

function checkMask(raster: RasterInfo, maskPath: string): void {
  const { width, height } = openInfo(maskPath);
  if (width !== raster.width || height !== raster.height) {
    throw new RasterError(maskPath, `the mask has ${width} x ${height} pixels, its image ${raster.path} ${raster.width} x ${raster.height}`);
  }
}

const gridSide = 9;

function examineRpc(model: RpcModel, width: number, height: number): Omit<RpcInfo, keyof RpcReading> {
  const altitudeDomain = [model.altOff - Math.abs(model.altScale), model.altOff + Math.abs(model.altScale)] as const;
  const [right, bottom] = [width - 0.5, height - 0.5];
  const corners = [[-0.5, -0.5], [right, -0.5], [right, bottom], [-0.5, bottom], [-0.5, -0.5]] as const;
  const ring = rpcLocalize(model, Float64Array.from(corners.flatMap(([col, row]) => [col, row, model.altOff])));
  return {
    altitudeDomain,
    footprint: corners.map((_, i) => [ring[2 * i] ?? Number.NaN, ring[2 * i + 1] ?? Number.NaN] as const),
    gsdM: gsdAt(model, (width - 1) / 2, (height - 1) / 2),
    inversion: checkInversion(model, width, height, [altitudeDomain[0], model.altOff, altitudeDomain[1]]),
  };
}

/** Localizes a grid of pixels at each altitude and projects them back. */
export function checkInversion(model: RpcModel, width: number, height: number, altitudes: readonly number[]): RpcInversion {
  const pixels: number[] = [];
  for (const altitude of altitudes) {
    for (let j = 0; j < gridSide; j++) {
      for (let i = 0; i < gridSide; i++) pixels.push(((width - 1) * i) / (gridSide - 1), ((height - 1) * j) / (gridSide - 1), altitude);
    }
  }
  const points = pixels.length / 3;
  const ground = rpcLocalize(model, Float64Array.from(pixels));
  const lonLatAlt = new Float64Array(3 * points);
  for (let i = 0; i < points; i++) {
    lonLatAlt.set([ground[2 * i] ?? Number.NaN, ground[2 * i + 1] ?? Number.NaN, pixels[3 * i + 2] ?? Number.NaN], 3 * i);
  }
  const back = rpcProject(model, lonLatAlt);
  let failed = 0;
  let worstPx = 0;
  for (let i = 0; i < points; i++) {
    const residual = Math.hypot((back[2 * i] ?? Number.NaN) - (pixels[3 * i] ?? 0), (back[2 * i + 1] ?? Number.NaN) - (pixels[3 * i + 1] ?? 0));
    if (Number.isFinite(residual)) worstPx = Math.max(worstPx, residual);
    else failed++;
  }
  return { points, failed, worstPx, ok: failed === 0 && worstPx < 0.01 };
}

function gsdAt(model: RpcModel, col: number, row: number): { readonly col: number; readonly row: number } {
  const alt = model.altOff;
  const p = rpcLocalize(model, Float64Array.of(col - 0.5, row, alt, col + 0.5, row, alt, col, row - 0.5, alt, col, row + 0.5, alt));
  const at = (i: number): readonly [number, number] => [p[2 * i] ?? Number.NaN, p[2 * i + 1] ?? Number.NaN];
  return { col: groundDistance(at(0), at(1)), row: groundDistance(at(2), at(3)) };
}

/** Metres between two near points on the WGS84 ellipsoid, by its two radii of curvature. */
function groundDistance([lon1, lat1]: readonly [number, number], [lon2, lat2]: readonly [number, number]): number {
  const a = 6378137;
  const e2 = 0.00669437999014;
  const lat = (((lat1 + lat2) / 2) * Math.PI) / 180;
  const w2 = 1 - e2 * Math.sin(lat) ** 2;
  const north = ((lat2 - lat1) * Math.PI * a * (1 - e2)) / (180 * w2 ** 1.5);
  const east = ((lon2 - lon1) * Math.PI * a * Math.cos(lat)) / (180 * Math.sqrt(w2));
  return Math.hypot(east, north);
}
