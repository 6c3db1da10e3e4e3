// SPDX-License-Identifier: Apache-2.0
import type { TileShape } from '@altiplano/kernels';
import type { HeightRange, RpcModel } from '@altiplano/protocol';
import { InputError } from '@altiplano/protocol/plain';
import { type Point, type Ring, clipRing, convexHull } from './polygon.js';

/** An input image as the planner needs it; describe-inputs.ts reads one from files. */
export interface DescribedImage {
  readonly path: string;
  readonly band: number;
  readonly mask: string | null;
  readonly width: number;
  readonly height: number;
  readonly rpc: RpcModel;
  /** The file the RPC was read from. */
  readonly rpcSource: string;
  /** Equal for files (image and mask) of equal content. */
  readonly fingerprint: string;
}

/** The functions of kernels the planner computes with. */
export interface PlanPorts {
  /** The program, as softwareId names it. */
  readonly software: string;
  rpcProject(model: RpcModel, lonLatAlt: Float64Array): Float64Array;
  rpcLocalize(model: RpcModel, colRowAlt: Float64Array): Float64Array;
  transformPoints(fromCrs: string, toCrs: string, xy: Float64Array): Float64Array;
  crsInfo(crs: string): { readonly isProjected: boolean; readonly unitM: number | null; readonly name: string };
  sampleRaster(path: string, band: number, crsOfPoints: string, xy: Float64Array): Float64Array;
  /** Bytes a stereo tile needs, the process left out. */
  tileMemoryBytes(shape: TileShape): number;
}

export const geographic = 'EPSG:4326';

/** Transforms points between CRSs; x is always east or longitude. */
export function transformRing(ports: Pick<PlanPorts, 'transformPoints'>, from: string, to: string, ring: Ring): Ring {
  return toPoints(ports.transformPoints(from, to, Float64Array.from(ring.flat())));
}

/**
 * Ground under pixels of an image at one height, longitude and latitude in degrees. Throws InputError
 * where the RPC doesn't invert.
 */
export function localize(ports: Pick<PlanPorts, 'rpcLocalize'>, image: DescribedImage, pixels: readonly Point[], height: number): Point[] {
  const lonLat = ports.rpcLocalize(image.rpc, Float64Array.from(pixels.flatMap(([c, r]) => [c, r, height])));
  if (!lonLat.every(Number.isFinite)) {
    throw new InputError(`${image.path}: the RPC (${image.rpcSource}) doesn't invert at height ${height.toFixed(0)} m; check its coefficients, or give --height-range`);
  }
  return toPoints(lonLat);
}

/** The ground an image covers at one height, as a convex ring in longitude and latitude. */
export function footprint(ports: Pick<PlanPorts, 'rpcLocalize'>, image: DescribedImage, height: number): Ring {
  const steps = 4;
  const pixels = Array.from({ length: 4 * steps }, (_, i): Point => {
    const [side, t] = [Math.floor(i / steps), (i % steps) / steps];
    const [x, y] = [[t, 0], [1, t], [1 - t, 1], [0, 1 - t]][side] ?? [0, 0];
    return [-0.5 + (x ?? 0) * image.width, -0.5 + (y ?? 0) * image.height];
  });
  return convexHull(localize(ports, image, pixels, height));
}

/** How an image sees the ground around its centre, in a projected CRS. */
export interface View {
  /** Ground sample distance in metres, mean of both axes. */
  readonly gsdM: number;
  /** Horizontal metres (east, north) the ground under a fixed pixel moves per metre of height. */
  readonly slope: Point;
}

/** Measures how an image sees its centre's ground, over a range of heights. Throws InputError where the RPC shows none. */
export function viewOf(ports: PlanPorts, image: DescribedImage, crs: string, [low, high]: HeightRange): View {
  const [c, r] = [(image.width - 1) / 2, (image.height - 1) / 2];
  // At least 20 m apart, so that a flat height range still has a slope.
  const [h0, h1] = [Math.min(low, (low + high) / 2 - 10), Math.max(high, (low + high) / 2 + 10)];
  const half = 25;
  const at = (pixels: Point[], h: number): Ring => transformRing(ports, geographic, crs, localize(ports, image, pixels, h));
  const [[bottom], [top]] = [at([[c, r]], h0), at([[c, r]], h1)];
  const [left, right, up, down] = at([[c - half, r], [c + half, r], [c, r - half], [c, r + half]], (low + high) / 2);
  if (!bottom || !top || !left || !right || !up || !down) throw new InputError(`${image.path}: no ground under the image's centre`);
  return {
    gsdM: (distance(left, right) + distance(up, down)) / (4 * half),
    slope: [(top[0] - bottom[0]) / (h1 - h0), (top[1] - bottom[1]) / (h1 - h0)],
  };
}

/** Parallax per height of two views as a ground vector; its length is the base-to-height ratio. */
export const parallax = (ref: View, sec: View): Point => [ref.slope[0] - sec.slope[0], ref.slope[1] - sec.slope[1]];

/** The ground two images share, height by height: convex rings, possibly empty, in the CRS of `project`. */
export function sharedGround(
  ports: Pick<PlanPorts, 'rpcLocalize'>, ref: DescribedImage, sec: DescribedImage, heights: readonly number[], project: (ring: Ring) => Ring,
): Ring[] {
  return heights.map((h) => {
    const [a, b] = [convexHull(project(footprint(ports, ref, h))), convexHull(project(footprint(ports, sec, h)))];
    return clipRing(a, b);
  });
}

/** `count` heights from the lowest to the highest. */
export const heightSteps = ([low, high]: HeightRange, count: number): number[] =>
  Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));

export const distance = (a: Point, b: Point): number => Math.hypot(a[0] - b[0], a[1] - b[1]);

function toPoints(xy: Float64Array): Point[] {
  return Array.from({ length: xy.length / 2 }, (_, i): Point => [xy[2 * i] ?? NaN, xy[2 * i + 1] ?? NaN]);
}
