// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GridSpec, RpcModel } from '@altiplano/kernels';
import { writeGeoTiff } from '@altiplano/kernels/raster';
import { AltiplanoError, InputError } from '@altiplano/protocol';
import { Piscina } from 'piscina';
import { type Camera, localize, project } from './camera.js';
import { type RpcFit, fitRpc } from './fit-rpc.js';
import { utmZone } from './geodesy.js';
import { footprint, makeCameras, makeWorld } from './make-world.js';
import { tallestSolid } from './objects.js';
import { type SceneOptions, type SceneSettings, settle } from './options.js';
import { truthNoData } from './truth.js';
import { type View, makeView, rayAt } from './view.js';
import type { Job } from './worker.js';
import type { World } from './world.js';

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
  readonly heights: { readonly groundLow: number; readonly groundHigh: number; readonly maxSlopeDeg: number; readonly rpcLow: number; readonly rpcHigh: number };
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

/** The RPC can't stand for the camera to the accuracy promised. */
export class RpcFitError extends AltiplanoError {
  constructor(message: string) { super('rpc-fit', message); }
}

const worstRpcPx = 0.01;

/**
 * Makes a synthetic scene: images with RPCs through exact pushbroom cameras, and the exact truth. Same options, same
 * pixels, on any number of threads. Throws InputError for options that can't be met, RpcFitError when an RPC is off by
 * more than 0.01 px anywhere.
 */
export async function makeScene(options: SceneOptions, onProgress: (text: string) => void = () => {}): Promise<SceneManifest> {
  const { directory, threads, ...settings } = settle(options);
  const utm = utmZone(settings.lon, settings.lat);
  const cameras = makeCameras(settings);
  const ground: readonly [number, number] = [settings.altitude - settings.relief / 2, settings.altitude + settings.relief / 2];
  const top = ground[1] + tallestSolid;
  const rpcRange: readonly [number, number] = [Math.floor((ground[0] - 300) / 10) * 10, Math.ceil((ground[1] + 500) / 10) * 10];
  const fits = cameras.map((camera, k) => fitCamera(camera, k, rpcRange));

  onProgress('building the world');
  const box = footprint(cameras, utm, [ground[0], top]);
  const world = makeWorld(settings, box);
  const extent: readonly [number, number] = [(world.ground.cols - 1) * world.ground.spacing, (world.ground.rows - 1) * world.ground.spacing];
  const views = cameras.map((camera) => makeView(camera, utm, [world.originE, world.originN], extent, [ground[0], top]));
  refuseSteepLooks(world, views);
  const grid = snapGrid(box, settings.resolution);
  const cells = grid.width * grid.height;
  const images = views.map((v) => new Uint16Array(new SharedArrayBuffer(v.width * v.height * 2)));
  const dsm = new Float32Array(new SharedArrayBuffer(cells * 4));
  const seen = new Float32Array(new SharedArrayBuffer(cells * 4));
  const visible = new Uint8Array(new SharedArrayBuffer(cells));

  const pool = new Piscina({ filename: new URL('./worker.js', import.meta.url).href, name: 'runJob', minThreads: threads, maxThreads: threads });
  try {
    await runRows(pool, 'shading the ground', world.ground.rows, onProgress, (row0, count) => ({ what: 'ground', world, row0, count }));
    for (const [k, view] of views.entries()) {
      const image = at(images, k);
      const exposure = { samples: settings.samples, noise: settings.noise, seed: settings.seed * 16 + k };
      await runRows(pool, `taking image ${k}`, view.height, onProgress, (row0, count) => ({ what: 'image', world, view, exposure, image, row0, count }));
    }
    await runRows(pool, 'measuring the truth', grid.height, onProgress, (row0, count) => ({ what: 'truth', world, views, grid, dsm, visible, seen, row0, count }));
  } finally {
    await pool.destroy();
  }

  onProgress('writing files');
  // The door to GDAL takes arrays of one thread: slice() copies out of the shared memory.
  await mkdir(directory, { recursive: true });
  const pairs = views.slice(1).map((_, i) => describePair(settings, cameras, views, i + 1));
  const sceneViews = views.map((view, k): SceneView => {
    const { rpc, ...rpcFit } = at(fits, k);
    const shift = pairs[k - 1]?.pointing.shift ?? { col: 0, row: 0 };
    return { file: `img_${k}.tif`, width: settings.size, height: settings.size, ...describeLook(view), rpcFit, rpc: { ...rpc, colOff: rpc.colOff + shift.col, rowOff: rpc.rowOff + shift.row } };
  });
  sceneViews.forEach((view, k) => {
    writeGeoTiff(join(directory, view.file), { width: view.width, height: view.height, bands: [{ data: at(images, k).slice() }], rpc: view.rpc });
  });
  const crs = `EPSG:${utm.epsg}`;
  const geotransform = [grid.originE, grid.resolution, 0, grid.originN, 0, -grid.resolution] as const;
  const truth = { dsm: 'truth_dsm.tif', visible: 'truth_visible.tif', seen: 'truth_seen.tif' };
  const size = { width: grid.width, height: grid.height, crs, geotransform };
  writeGeoTiff(join(directory, truth.dsm), { ...size, bands: [{ data: dsm.slice(), noData: truthNoData, description: 'height of the top surface at the cell centre, m' }] });
  writeGeoTiff(join(directory, truth.seen), { ...size, bands: [{ data: seen.slice(), noData: truthNoData, description: 'the same, where image 0 and another image see it, m' }] });
  writeGeoTiff(join(directory, truth.visible), { ...size, bands: [{ data: visible.slice(), description: 'bit k: image k sees the surface at the cell centre' }] });
  const count = (data: Float32Array): number => data.reduce((n, z) => n + (z === truthNoData ? 0 : 1), 0);
  const manifest: SceneManifest = {
    version: 1, settings, crs, grid,
    heights: { groundLow: ground[0], groundHigh: ground[1], maxSlopeDeg: (Math.atan(world.terrain.maxSlope) * 180) / Math.PI, rpcLow: rpcRange[0], rpcHigh: rpcRange[1] },
    solids: world.solids.count, views: sceneViews, pairs,
    truth: { ...truth, coveredCells: count(dsm), seenCells: count(seen) },
  };
  await writeFile(join(directory, 'scene.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`no item ${index}`);
  return item;
}

function fitCamera(camera: Camera, index: number, altRange: readonly [number, number]): RpcFit {
  const fit = fitRpc(camera, altRange);
  if (!(fit.maxPx < worstRpcPx)) throw new RpcFitError(`image ${index}: the RPC differs from the camera by up to ${fit.maxPx.toFixed(4)} px, more than ${worstRpcPx} px`);
  return fit;
}

/** The ray test rests on lines steeper than the ground (meetGround) and than roofs (traceSolids). */
function refuseSteepLooks(world: World, views: readonly View[]): void {
  const lean = Math.max(...views.flatMap((view) => {
    const ray = new Float64Array(6);
    return [[0, 0], [view.width, 0], [0, view.height], [view.width, view.height]].map(([col = 0, row = 0]) => {
      rayAt(view, col, row, ray);
      return Math.hypot(ray[1] ?? 0, ray[4] ?? 0);
    });
  }));
  if (lean * world.terrain.maxSlope > 0.95) {
    throw new InputError(`scene: slopes of ${((Math.atan(world.terrain.maxSlope) * 180) / Math.PI).toFixed(0)} degrees hide themselves at this base-to-height; lower --relief or --base-to-height, or raise --size`);
  }
  if (world.terrain.maxSlope > 1.25) {
    throw new InputError(`scene: ${world.terrain.high - world.terrain.low} m of relief make slopes of ${((Math.atan(world.terrain.maxSlope) * 180) / Math.PI).toFixed(0)} degrees; lower --relief or raise --size`);
  }
}

function snapGrid(box: readonly [number, number, number, number], resolution: number): GridSpec {
  const originE = Math.floor(box[0] / resolution) * resolution;
  const originN = Math.ceil(box[3] / resolution) * resolution;
  return { originE, originN, resolution, width: Math.ceil((box[2] - originE) / resolution), height: Math.ceil((originN - box[1]) / resolution) };
}

async function runRows(pool: Piscina, title: string, rows: number, onProgress: (text: string) => void, job: (row0: number, count: number) => Job): Promise<void> {
  const block = 64;
  let done = 0;
  let said = -1;
  await Promise.all(Array.from({ length: Math.ceil(rows / block) }, async (_, k) => {
    const row0 = k * block;
    const count = Math.min(block, rows - row0);
    await pool.run(job(row0, count));
    done += count;
    const quarter = Math.floor((4 * done) / rows);
    if (quarter > said) onProgress(`${title} ${25 * quarter} %`);
    said = quarter;
  }));
}

function describeLook(view: View): { incidenceDeg: number; azimuthDeg: number; gsdM: number } {
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

function describePair(settings: SceneSettings, cameras: readonly Camera[], views: readonly View[], sec: number): ScenePair {
  const [a, b] = [at(cameras, 0), at(cameras, sec)];
  const middle = [(a.width - 1) / 2, (a.height - 1) / 2] as const;
  const low = project(b, ...localize(a, ...middle, settings.altitude));
  const high = project(b, ...localize(a, ...middle, settings.altitude + 10));
  const [dc, dr] = [high[0] - low[0], high[1] - low[1]];
  const size = Math.hypot(dc, dr);
  const direction = { col: dc / size, row: dr / size };
  const [ra, rb] = [new Float64Array(6), new Float64Array(6)];
  rayAt(at(views, 0), ...middle, ra);
  rayAt(at(views, sec), ...low, rb);
  const acrossPx = settings.pointingError[sec - 1] ?? settings.pointingError.at(-1) ?? 0;
  const alongPx = settings.pointingAlong[sec - 1] ?? settings.pointingAlong.at(-1) ?? 0;
  return {
    ref: 0, sec,
    baseToHeight: Math.hypot((ra[1] ?? 0) - (rb[1] ?? 0), (ra[4] ?? 0) - (rb[4] ?? 0)),
    epipolarDirection: direction, pxPerMetre: size / 10,
    pointing: { acrossPx, alongPx, shift: { col: -direction.row * acrossPx + direction.col * alongPx, row: direction.col * acrossPx + direction.row * alongPx } },
    expectedCorrection: { col: direction.row * acrossPx, row: -direction.col * acrossPx },
  };
}
