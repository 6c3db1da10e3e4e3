// SPDX-License-Identifier: Apache-2.0
import { type Camera, localize, project } from './camera.js';
import { type Utm, lonLatFromUtm, utmFromLonLat } from './geodesy.js';

/**
 * A camera's exact mapping, sampled for speed. Rays: at every `step`-th pixel the line of sight as a quadratic in
 * height, x = x0 + x1 h + x2 h2 and the same for y, h = height - reference, in the world's inner coordinates,
 * linear in between: within 0.0005 px of the camera (tested), which bends by less than a micrometre from pixel to
 * pixel. Pixels: at every `groundStep` metres the pixel, as quadratics in height; within 0.01 px over 1,000 m,
 * which is enough to know which line of sight to take.
 */
export interface View {
  readonly width: number; readonly height: number;
  readonly reference: number;
  readonly step: number; readonly cols: number; readonly rows: number;
  /** Six numbers per node: x0, x1, x2, y0, y1, y2; the first node is pixel (-step, -step). */
  readonly rays: Float64Array;
  readonly groundStep: number; readonly groundCols: number;
  /** Six numbers per node: column then row, coefficients of h. */
  readonly pixels: Float64Array;
}

const step = 16;
const groundStep = 16;

/** Samples a camera for a world of the given origin, size (metres) and height range. */
export function makeView(
  camera: Camera, utm: Utm, origin: readonly [number, number], size: readonly [number, number], heights: readonly [number, number],
): View {
  const reference = (heights[0] + heights[1]) / 2;
  const half = Math.max(20, (heights[1] - heights[0]) / 2);
  const cols = Math.ceil(camera.width / step) + 3;
  const rows = Math.ceil(camera.height / step) + 3;
  const rays = new Float64Array(new SharedArrayBuffer(cols * rows * 6 * 8));
  for (let j = 0, k = 0; j < rows; j++) {
    for (let i = 0; i < cols; i++, k += 6) {
      quadratics(rays, k, half, (h) => {
        const [lon, lat] = localize(camera, (i - 1) * step, (j - 1) * step, reference + h);
        const [e, n] = utmFromLonLat(utm, lon, lat);
        return [e - origin[0], n - origin[1]];
      });
    }
  }
  const groundCols = Math.ceil(size[0] / groundStep) + 2;
  const groundRows = Math.ceil(size[1] / groundStep) + 2;
  const pixels = new Float64Array(new SharedArrayBuffer(groundCols * groundRows * 6 * 8));
  for (let j = 0, k = 0; j < groundRows; j++) {
    for (let i = 0; i < groundCols; i++, k += 6) {
      const [lon, lat] = lonLatFromUtm(utm, origin[0] + i * groundStep, origin[1] + j * groundStep);
      quadratics(pixels, k, half, (h) => project(camera, lon, lat, reference + h));
    }
  }
  return { width: camera.width, height: camera.height, reference, step, cols, rows, rays, groundStep, groundCols, pixels };
}

/** Coefficients of the quadratics through a function's values at -half, 0, half. */
function quadratics(out: Float64Array, at: number, half: number, f: (h: number) => readonly [number, number]): void {
  const [low, middle, high] = [f(-half), f(0), f(half)];
  for (const k of [0, 1] as const) {
    out[at + 3 * k] = middle[k];
    out[at + 3 * k + 1] = (high[k] - low[k]) / (2 * half);
    out[at + 3 * k + 2] = (high[k] - 2 * middle[k] + low[k]) / (2 * half * half);
  }
}

/** Linear interpolation of six numbers on a grid of nodes. */
function sixAt(nodes: Float64Array, cols: number, px: number, py: number, out: Float64Array): void {
  const i = Math.floor(px);
  const j = Math.floor(py);
  const fx = px - i;
  const fy = py - j;
  const k = (j * cols + i) * 6;
  for (let n = 0; n < 6; n++) {
    const a = nodes[k + n] ?? 0;
    const b = nodes[k + n + 6] ?? 0;
    const c = nodes[k + n + cols * 6] ?? 0;
    const d = nodes[k + n + cols * 6 + 6] ?? 0;
    out[n] = (a + (b - a) * fx) * (1 - fy) + (c + (d - c) * fx) * fy;
  }
}

/** The line of sight of a pixel, into out: x0, x1, x2, y0, y1, y2. */
export function rayAt(view: View, col: number, row: number, out: Float64Array): void {
  sixAt(view.rays, view.cols, col / view.step + 1, row / view.step + 1, out);
}

/** The pixel that looks at a place, into out[0] (column) and out[1] (row). `scratch` holds six numbers. */
export function pixelAt(view: View, x: number, y: number, z: number, scratch: Float64Array, out: Float64Array): void {
  sixAt(view.pixels, view.groundCols, x / view.groundStep, y / view.groundStep, scratch);
  const h = z - view.reference;
  out[0] = (scratch[0] ?? 0) + ((scratch[1] ?? 0) + (scratch[2] ?? 0) * h) * h;
  out[1] = (scratch[3] ?? 0) + ((scratch[4] ?? 0) + (scratch[5] ?? 0) * h) * h;
}
