// SPDX-License-Identifier: Apache-2.0
import { basename } from 'node:path';
import { crsInfo, sampleRaster } from '@altiplano/kernels/raster';
import { type GridSpec, InputError } from '@altiplano/protocol';
import type { CellRect } from './merge-block.js';

/** What published heights refer to. */
export interface VerticalDatum {
  readonly name: string;
  /** The CRS products carry: horizontal, with a vertical part where the geoid has a code. */
  readonly crs: string;
  /** What to subtract from ellipsoidal heights in the cells of a rectangle, metres; null = nothing. Throws InputError off the geoid. */
  readonly undulation: (rect: CellRect) => Float32Array | null;
}

/** EPSG codes of gravity-related height systems, by how their geoid files are called. */
const geoids = [
  { pattern: /egm_?(20)?08/i, code: 3855, name: 'EGM2008' },
  { pattern: /egm_?(19)?96/i, code: 5773, name: 'EGM96' },
] as const;

/** Cells between the samples of the geoid; in between it is as good as linear. */
const spacing = 128;

/**
 * The vertical datum of the products. Without a geoid: ellipsoidal heights in the plan's CRS. With one: H = h - N, N from the
 * first band of the geoid file. EGM96 and EGM2008, known by the file's name, make the CRS compound, e.g. EPSG:32636+5773;
 * the datum of any other file is told by `name` only.
 */
export function verticalDatum(planCrs: string, grid: GridSpec, geoid: string | undefined): VerticalDatum {
  if (geoid === undefined) return { name: 'WGS 84 ellipsoid', crs: planCrs, undulation: () => null };
  const known = geoids.find(({ pattern }) => pattern.test(basename(geoid)));
  const { epsg } = crsInfo(planCrs);
  return {
    name: known === undefined ? `geoid ${basename(geoid)}` : `${known.name} geoid`,
    crs: known === undefined || epsg === null ? planCrs : `EPSG:${epsg}+${known.code}`,
    undulation: (rect) => undulationIn(geoid, planCrs, grid, rect),
  };
}

/** N at the cells' centres: sampled on a lattice fixed to the grid (so that blocks agree), bilinear in between. */
function undulationIn(geoid: string, crs: string, grid: GridSpec, rect: CellRect): Float32Array {
  const [col0, row0] = [Math.floor(rect.col0 / spacing), Math.floor(rect.row0 / spacing)];
  const cols = Math.floor((rect.col0 + rect.width - 1) / spacing) + 2 - col0;
  const rows = Math.floor((rect.row0 + rect.height - 1) / spacing) + 2 - row0;
  const points = new Float64Array(2 * cols * rows);
  for (let node = 0; node < cols * rows; node++) {
    points[2 * node] = grid.originE + ((col0 + (node % cols)) * spacing + 0.5) * grid.resolution;
    points[2 * node + 1] = grid.originN - ((row0 + Math.floor(node / cols)) * spacing + 0.5) * grid.resolution;
  }
  const nodes = sampleRaster(geoid, 1, crs, points);
  if (nodes.some(Number.isNaN)) throw new InputError(`${geoid}: the geoid doesn't cover the scene around E ${points[0] ?? NaN}, N ${points[1] ?? NaN} (${crs})`);
  const undulation = new Float32Array(rect.width * rect.height);
  for (let row = 0; row < rect.height; row++) {
    const y = (rect.row0 + row) / spacing - row0;
    for (let col = 0; col < rect.width; col++) {
      const x = (rect.col0 + col) / spacing - col0;
      const node = Math.floor(y) * cols + Math.floor(x);
      const [fx, fy] = [x - Math.floor(x), y - Math.floor(y)];
      const [a = NaN, b = NaN, c = NaN, d = NaN] = [nodes[node], nodes[node + 1], nodes[node + cols], nodes[node + cols + 1]];
      undulation[row * rect.width + col] = (1 - fy) * ((1 - fx) * a + fx * b) + fy * ((1 - fx) * c + fx * d);
    }
  }
  return undulation;
}
