// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GridSpec } from '@altiplano/kernels';
import { writeGeoTiff } from '@altiplano/kernels/raster';
import { AltiplanoError, InputError } from '@altiplano/protocol';
import { Piscina } from 'piscina';
import type { Camera } from './camera.js';
import { type RpcFit, fitRpc } from './fit-rpc.js';
import { utmZone } from './geodesy.js';
import { boxAround, footprint, makeCameras, makeWorld } from './make-world.js';
import { type SceneManifest, describeLook, describePair } from './manifest.js';
import { tallestSolid } from './objects.js';
import { type SceneOptions, type SceneSettings, settle } from './options.js';
import { truthNoData } from './truth.js';
import { type View, makeView, rayAt } from './view.js';
import type { Job } from './worker.js';
import type { World } from './world.js';

/** The RPC can't stand for the camera to the accuracy promised. */
export class RpcFitError extends AltiplanoError {
  constructor(message: string) { super('rpc-fit', message); }
}

const worstRpcPx = 0.01;

/** An image being made: `pixels` and the layers of the truth are shared between threads. */
interface Shot { readonly camera: Camera; readonly view: View; readonly fit: RpcFit; readonly pixels: Uint16Array }
interface TruthLayers { readonly grid: GridSpec; readonly dsm: Float32Array; readonly visible: Uint8Array; readonly seen: Float32Array }
type Progress = (text: string) => void;

/**
 * Makes a synthetic scene: images with RPCs through exact pushbroom cameras, and the exact truth. Same options, same
 * pixels, on any number of threads. Throws InputError for options that can't be met, RpcFitError when an RPC is off by
 * more than 0.01 px anywhere.
 */
export async function makeScene(options: SceneOptions, onProgress: Progress = () => {}): Promise<SceneManifest> {
  const { directory, threads, ...settings } = settle(options);
  const utm = utmZone(settings.lon, settings.lat);
  const cameras = makeCameras(settings);
  const ground = [settings.altitude - settings.relief / 2, settings.altitude + settings.relief / 2] as const;
  const heights = [ground[0], ground[1] + tallestSolid] as const;
  // As wide as in real products, so that it gives nothing away about the ground.
  const rpcRange = [Math.floor((ground[0] - 300) / 10) * 10, Math.ceil((ground[1] + 500) / 10) * 10] as const;

  onProgress('building the world');
  const seen = footprint(cameras, utm, heights);
  const world = makeWorld(settings, seen);
  const origin = [world.originE, world.originN] as const;
  const extent = [(world.ground.cols - 1) * world.ground.spacing, (world.ground.rows - 1) * world.ground.spacing] as const;
  const shots = cameras.map((camera, k): Shot => ({
    camera, view: makeView(camera, utm, origin, extent, heights), fit: fitCamera(camera, k, rpcRange),
    pixels: new Uint16Array(new SharedArrayBuffer(camera.width * camera.height * 2)),
  }));
  refuseSteepLooks(world, shots.map((shot) => shot.view));
  const truth = makeTruth(snapGrid(boxAround(seen), settings.resolution));

  await mkdir(directory, { recursive: true });
  await renderAll(world, shots, truth, settings, threads, onProgress);
  onProgress('writing files');
  const manifest = describeScene(settings, `EPSG:${utm.epsg}`, world, shots, truth, rpcRange);
  writeRasters(directory, manifest, shots, truth);
  await writeFile(join(directory, 'scene.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

function fitCamera(camera: Camera, index: number, altRange: readonly [number, number]): RpcFit {
  const fit = fitRpc(camera, altRange);
  if (!(fit.maxPx < worstRpcPx)) {
    throw new RpcFitError(`image ${index}: the RPC differs from the camera by up to ${fit.maxPx.toFixed(4)} px, more than ${worstRpcPx} px`);
  }
  return fit;
}

/** The ray tests rest on lines steeper than the ground (meetGround): say so instead of rendering nonsense. */
function refuseSteepLooks(world: World, views: readonly View[]): void {
  const ray = new Float64Array(6);
  let lean = 0;
  for (const view of views) {
    for (const [col, row] of [[0, 0], [view.width, 0], [0, view.height], [view.width, view.height]] as const) {
      rayAt(view, col, row, ray);
      lean = Math.max(lean, Math.hypot(ray[1] ?? 0, ray[4] ?? 0));
    }
  }
  const { maxSlope, high, low } = world.terrain;
  const degrees = `${((Math.atan(maxSlope) * 180) / Math.PI).toFixed(0)} degrees`;
  if (maxSlope > 1.25) throw new InputError(`scene: ${high - low} m of relief make slopes of ${degrees}; lower --relief or raise --size`);
  if (lean * maxSlope > 0.95) {
    throw new InputError(`scene: slopes of ${degrees} hide themselves at this base-to-height; lower --relief or --base-to-height, or raise --size`);
  }
}

function snapGrid(box: readonly [number, number, number, number], resolution: number): GridSpec {
  const originE = Math.floor(box[0] / resolution) * resolution;
  const originN = Math.ceil(box[3] / resolution) * resolution;
  return { originE, originN, resolution, width: Math.ceil((box[2] - originE) / resolution), height: Math.ceil((originN - box[1]) / resolution) };
}

function makeTruth(grid: GridSpec): TruthLayers {
  const cells = grid.width * grid.height;
  return {
    grid, dsm: new Float32Array(new SharedArrayBuffer(cells * 4)), seen: new Float32Array(new SharedArrayBuffer(cells * 4)),
    visible: new Uint8Array(new SharedArrayBuffer(cells)),
  };
}

/** Shades the ground, takes the images and measures the truth, in blocks of rows on worker threads. */
async function renderAll(
  world: World, shots: readonly Shot[], truth: TruthLayers, settings: SceneSettings, threads: number, onProgress: Progress,
): Promise<void> {
  const pool = new Piscina({ filename: new URL('./worker.js', import.meta.url).href, name: 'runJob', minThreads: threads, maxThreads: threads });
  try {
    await runRows(pool, 'shading the ground', world.ground.rows, onProgress, (row0, count) => ({ what: 'ground', world, row0, count }));
    for (const [k, { view, pixels }] of shots.entries()) {
      const exposure = { samples: settings.samples, noise: settings.noise, seed: settings.seed * 16 + k };
      await runRows(pool, `taking image ${k}`, view.height, onProgress, (row0, count) =>
        ({ what: 'image', world, view, exposure, image: pixels, row0, count }));
    }
    const views = shots.map((shot) => shot.view);
    await runRows(pool, 'measuring the truth', truth.grid.height, onProgress, (row0, count) => ({ what: 'truth', world, views, ...truth, row0, count }));
  } finally {
    await pool.destroy();
  }
}

async function runRows(pool: Piscina, title: string, rows: number, onProgress: Progress, job: (row0: number, count: number) => Job): Promise<void> {
  const block = 64;
  let done = 0;
  let said = 0;
  onProgress(title);
  await Promise.all(Array.from({ length: Math.ceil(rows / block) }, async (_, k) => {
    const count = Math.min(block, rows - k * block);
    await pool.run(job(k * block, count));
    done += count;
    const quarter = Math.floor((4 * done) / rows);
    if (quarter > said && quarter < 4) onProgress(`${title}: ${25 * quarter} %`);
    said = quarter;
  }));
}

function describeScene(
  settings: SceneSettings, crs: string, world: World, shots: readonly Shot[], truth: TruthLayers, rpcRange: readonly [number, number],
): SceneManifest {
  const [first, ...others] = shots;
  const pairs = first === undefined ? [] : others.map((shot, k) => describePair(settings, [first.camera, first.view], [shot.camera, shot.view], k + 1));
  const views = shots.map(({ view, fit: { rpc, ...rpcFit } }, k) => {
    const shift = pairs[k - 1]?.pointing.shift ?? { col: 0, row: 0 };
    return {
      file: `img_${k}.tif`, width: view.width, height: view.height, ...describeLook(view), rpcFit,
      rpc: { ...rpc, colOff: rpc.colOff + shift.col, rowOff: rpc.rowOff + shift.row },
    };
  });
  const { low, high, maxSlope } = world.terrain;
  const count = (data: Float32Array): number => data.reduce((n, z) => n + (z === truthNoData ? 0 : 1), 0);
  return {
    version: 1, settings, crs, grid: truth.grid,
    heights: { groundLow: low, groundHigh: high, maxSlopeDeg: (Math.atan(maxSlope) * 180) / Math.PI, rpcLow: rpcRange[0], rpcHigh: rpcRange[1] },
    solids: world.solids.count, views, pairs,
    truth: {
      dsm: 'truth_dsm.tif', visible: 'truth_visible.tif', seen: 'truth_seen.tif',
      coveredCells: count(truth.dsm), seenCells: count(truth.seen),
    },
  };
}

function writeRasters(directory: string, { views, crs, grid, truth }: SceneManifest, shots: readonly Shot[], layers: TruthLayers): void {
  // The door to GDAL takes arrays of one thread: slice() copies out of the shared memory.
  views.forEach(({ file, width, height, rpc }, k) => {
    const data = shots[k]?.pixels.slice();
    if (data !== undefined) writeGeoTiff(join(directory, file), { width, height, bands: [{ data }], rpc });
  });
  const geotransform = [grid.originE, grid.resolution, 0, grid.originN, 0, -grid.resolution];
  const raster = { width: grid.width, height: grid.height, crs, geotransform };
  writeGeoTiff(join(directory, truth.dsm), {
    ...raster, bands: [{ data: layers.dsm.slice(), noData: truthNoData, description: 'height of the top surface at the cell centre, m' }],
  });
  writeGeoTiff(join(directory, truth.seen), {
    ...raster, bands: [{ data: layers.seen.slice(), noData: truthNoData, description: 'the same, where image 0 and another image see it, m' }],
  });
  writeGeoTiff(join(directory, truth.visible), {
    ...raster, bands: [{ data: layers.visible.slice(), description: 'bit k: image k sees the surface at the cell centre' }],
  });
}
