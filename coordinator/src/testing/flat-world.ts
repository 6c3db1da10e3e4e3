// SPDX-License-Identifier: Apache-2.0
import { type RpcModel, type SceneRequest, sceneRequestSchema } from '@altiplano/protocol';
import type { DescribedImage, PlanPorts } from '../view.js';

/**
 * A world for tests: near the equator at 33 E degrees are metres times a constant, and cameras are linear,
 * so every planned number has a closed form. EPSG:32636 is the plane, EPSG:4326 the degrees.
 */
const metresPerDegree = 111_320;
const [lon0, lat0, e0, n0] = [33, 0.5, 500_000, 55_000];

export interface FlatCamera {
  readonly name?: string;
  readonly width: number;
  readonly height: number;
  readonly gsdM: number;
  /** Ground position (east, north) of the image's centre at height 0. */
  readonly east: number;
  readonly north: number;
  /** Metres (east, north) the ground under a pixel moves per metre of height. */
  readonly slopeE: number;
  readonly slopeN: number;
  readonly heights: readonly [number, number];
}

export function flatImage(camera: FlatCamera): DescribedImage {
  const { width, height, gsdM, east, north, slopeE, slopeN, heights } = camera;
  const altScale = (heights[1] - heights[0]) / 2;
  const halfDegrees = (pixels: number): number => ((pixels / 2) * gsdM) / metresPerDegree;
  const [lonScale, latScale] = [halfDegrees(width), halfDegrees(height)];
  const altOff = (heights[0] + heights[1]) / 2;
  const zeros = Array<number>(16).fill(0);
  const one = [1, 0, 0, 0, ...zeros];
  const perHeight = (slope: number, scale: number): number => (slope * altScale) / metresPerDegree / scale;
  const rpc: RpcModel = {
    lonOff: lon0 + (east - e0 + slopeE * altOff) / metresPerDegree, lonScale, latOff: lat0 + (north - n0 + slopeN * altOff) / metresPerDegree, latScale,
    altOff, altScale, colOff: (width - 1) / 2, colScale: width / 2, rowOff: (height - 1) / 2, rowScale: height / 2,
    colNum: [0, 1, 0, -perHeight(slopeE, lonScale), ...zeros], colDen: one,
    rowNum: [0, 0, -1, perHeight(slopeN, latScale), ...zeros], rowDen: one,
  };
  const path = camera.name ?? `image-${east}-${north}-${slopeE}-${slopeN}.tif`;
  return { path, band: 1, mask: null, width, height, rpc, rpcSource: path, fingerprint: path };
}

export const flatPorts: PlanPorts = {
  software: '0.0.0+test',
  rpcProject: (m, lla) => each3(lla, (lon, lat, alt) => {
    const [l, p, h] = [(lon - m.lonOff) / m.lonScale, (lat - m.latOff) / m.latScale, (alt - m.altOff) / m.altScale];
    return [m.colOff + m.colScale * (l + (m.colNum[3] ?? 0) * h), m.rowOff + m.rowScale * (-p + (m.rowNum[3] ?? 0) * h)];
  }),
  rpcLocalize: (m, cra) => each3(cra, (col, row, alt) => {
    const h = (alt - m.altOff) / m.altScale;
    const l = (col - m.colOff) / m.colScale - (m.colNum[3] ?? 0) * h;
    const p = (m.rowNum[3] ?? 0) * h - (row - m.rowOff) / m.rowScale;
    return [m.lonOff + l * m.lonScale, m.latOff + p * m.latScale];
  }),
  transformPoints: (from, to, xy) => {
    if (from === to) return xy;
    const toPlane = to !== 'EPSG:4326';
    return xy.map((value, i) => {
      const [degrees, metres] = i % 2 === 0 ? [lon0, e0] : [lat0, n0];
      return toPlane ? metres + (value - degrees) * metresPerDegree : degrees + (value - metres) / metresPerDegree;
    });
  },
  crsInfo: (crs) => {
    if (crs === 'EPSG:nonsense') throw new Error('unknown');
    return { isProjected: crs !== 'EPSG:4326', unitM: crs === 'EPSG:2264' ? 0.3048 : 1, name: crs };
  },
  sampleRaster: (path, _band, _crs, xy) => new Float64Array(xy.length / 2).map((_, i) => (path === 'empty.tif' ? NaN : 300 + (i % 7))),
  tileMemoryBytes: ({ rect, count }) => rect.width * rect.height * (count * 3 + 120),
};

/** Two views of the same 1024 m, base-to-height 0.5. */
export function flatPair(change: Partial<FlatCamera> = {}): DescribedImage[] {
  const camera: FlatCamera = { width: 2048, height: 2048, gsdM: 0.5, east: 501_000, north: 56_000, slopeE: 0.25, slopeN: 0, heights: [0, 200], ...change };
  return [flatImage(camera), flatImage({ ...camera, slopeE: camera.slopeE - 0.5 })];
}

export function flatRequest(change: Record<string, unknown> = {}): SceneRequest {
  return sceneRequestSchema.parse({ sceneId: 'test', images: [{ path: 'a.tif' }, { path: 'b.tif' }], params: {}, ...change });
}

/** Longitude and latitude of a ground point. */
export const lonLatOf = (east: number, north: number): [number, number] => [lon0 + (east - e0) / metresPerDegree, lat0 + (north - n0) / metresPerDegree];

function each3(values: Float64Array, map: (a: number, b: number, c: number) => readonly [number, number]): Float64Array {
  const out = new Float64Array((values.length / 3) * 2);
  for (let i = 0; i < values.length / 3; i += 1) out.set(map(values[3 * i] ?? NaN, values[3 * i + 1] ?? NaN, values[3 * i + 2] ?? NaN), 2 * i);
  return out;
}
