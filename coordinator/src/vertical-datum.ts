// SPDX-License-Identifier: Apache-2.0
import { basename } from 'node:path';
import { crsInfo, sampleRaster } from '@altiplano/kernels/raster';
import type { GridSpec } from '@altiplano/protocol';
import { InputError } from '@altiplano/protocol/plain';

/** What published heights refer to. */
export interface VerticalDatum {
  readonly name: string;
  /** The CRS products carry: horizontal, with a vertical part where the geoid has a code. */
  readonly crs: string;
  /** The raster of undulations, metres, to subtract from ellipsoidal heights; null = nothing. */
  readonly geoid: string | null;
  /** About the lowest and highest undulation of the scene, metres. */
  readonly range: readonly [number, number];
}

/** EPSG codes of gravity-related height systems, by how their geoid files are called. */
const geoids = [
  { pattern: /egm_?(20)?08/i, code: 3855, name: 'EGM2008' },
  { pattern: /egm_?(19)?96/i, code: 5773, name: 'EGM96' },
] as const;

/** Samples of the geoid a side that tell its range, and whether it covers the scene. */
const samples = 17;

/**
 * The vertical datum of the products. Without a geoid: ellipsoidal heights in the plan's CRS. With one: H = h - N, N from the
 * first band of the geoid file. EGM96 and EGM2008, known by the file's name, make the CRS compound, e.g. EPSG:32636+5773;
 * the datum of any other file is told by `name` only. Throws InputError where the geoid misses a part of the grid.
 */
export function verticalDatum(planCrs: string, grid: GridSpec, geoid: string | undefined): VerticalDatum {
  if (geoid === undefined) return { name: 'WGS 84 ellipsoid', crs: planCrs, geoid: null, range: [0, 0] };
  const known = geoids.find(({ pattern }) => pattern.test(basename(geoid)));
  const { epsg } = crsInfo(planCrs);
  return {
    name: known === undefined ? `geoid ${basename(geoid)}` : `${known.name} geoid`,
    crs: known === undefined || epsg === null ? planCrs : `EPSG:${epsg}+${known.code}`,
    geoid, range: undulationRange(geoid, planCrs, grid),
  };
}

function undulationRange(geoid: string, crs: string, { originE, originN, resolution, width, height }: GridSpec): [number, number] {
  const points = new Float64Array(2 * samples * samples);
  for (let node = 0; node < samples * samples; node++) {
    points[2 * node] = originE + ((node % samples) / (samples - 1)) * width * resolution;
    points[2 * node + 1] = originN - (Math.floor(node / samples) / (samples - 1)) * height * resolution;
  }
  const undulations = sampleRaster(geoid, 1, crs, points);
  const missing = undulations.findIndex(Number.isNaN);
  if (missing >= 0) {
    throw new InputError(`${geoid}: the geoid doesn't cover the scene around E ${points[2 * missing] ?? NaN}, N ${points[2 * missing + 1] ?? NaN} (${crs})`);
  }
  return [Math.min(...undulations), Math.max(...undulations)];
}
