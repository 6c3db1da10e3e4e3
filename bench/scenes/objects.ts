// SPDX-License-Identifier: Apache-2.0
/**
 * What stands on the ground: solids with vertical sides that reach from their top down into the ground.
 *
 *   box    a turned rectangle, 2 hx by 2 hy, flat on top (shape 0) or with a gabled roof: the ridge runs along
 *          local x at height `top`, the roof falls by `shape` metres per metre of |y|
 *   dome   a cylinder of radius hx under a half ellipsoid of vertical half axis `shape` whose apex is at `top`
 *
 * All are convex, so a line meets each in one interval that has a closed form: hits are exact, walls are planes.
 * A union of them makes L-shaped houses and rough tree crowns. Coordinates as in terrain.ts.
 */
export interface Solid {
  readonly kind: 'box' | 'dome';
  readonly x: number; readonly y: number;
  /** Direction of local x, radians from east towards north. */
  readonly angle: number;
  readonly hx: number; readonly hy: number;
  readonly top: number; readonly shape: number;
  readonly albedo: number;
  /** 0 plain, 1 tiles, 2 sheet metal, 3 leaves. */
  readonly style: number;
  /** Ground height under it, for the storeys of its walls. */
  readonly base: number;
}

/** The solids in typed arrays shared between threads, sorted into square bins. */
export interface SolidSet {
  readonly count: number;
  /** `stride` numbers per solid, see `field`. */
  readonly data: Float64Array;
  readonly binSize: number; readonly cols: number; readonly rows: number;
  readonly start: Int32Array; readonly list: Int32Array;
  /** Highest top per bin, and within one coarse bin (8 x 8 bins) or its neighbours; -Infinity = none. */
  readonly binTop: Float64Array;
  readonly ceiling: Float64Array; readonly coarseCols: number;
}

export const stride = 12;
export const field = { dome: 0, x: 1, y: 2, cos: 3, sin: 4, hx: 5, hy: 6, top: 7, shape: 8, albedo: 9, style: 10, base: 11 } as const;
const binSize = 8;
const coarse = 8;

/** Lines may lean by at most this (metres per metre) times the height of the tallest solid: see `ceiling`. */
export const tallestSolid = 45;

export function packSolids(solids: readonly Solid[], width: number, height: number): SolidSet {
  const [cols, rows] = [Math.ceil(width / binSize), Math.ceil(height / binSize)];
  const [coarseCols, coarseRows] = [Math.ceil(cols / coarse), Math.ceil(rows / coarse)];
  const data = new Float64Array(new SharedArrayBuffer(Math.max(1, solids.length) * stride * 8));
  const bins: number[][] = Array.from({ length: cols * rows }, () => []);
  const binTop = new Float64Array(new SharedArrayBuffer(cols * rows * 8)).fill(-Infinity);
  const peak = new Float64Array(coarseCols * coarseRows).fill(-Infinity);
  solids.forEach((s, index) => {
    const [cos, sin] = [Math.cos(s.angle), Math.sin(s.angle)];
    data.set([s.kind === 'dome' ? 1 : 0, s.x, s.y, cos, sin, s.hx, s.hy, s.top, s.shape, s.albedo, s.style, s.base], index * stride);
    const dx = s.kind === 'dome' ? s.hx : Math.abs(cos) * s.hx + Math.abs(sin) * s.hy;
    const dy = s.kind === 'dome' ? s.hx : Math.abs(sin) * s.hx + Math.abs(cos) * s.hy;
    for (let j = Math.max(0, Math.floor((s.y - dy) / binSize)); j <= Math.min(rows - 1, Math.floor((s.y + dy) / binSize)); j++) {
      for (let i = Math.max(0, Math.floor((s.x - dx) / binSize)); i <= Math.min(cols - 1, Math.floor((s.x + dx) / binSize)); i++) {
        const bin = j * cols + i;
        bins[bin]?.push(index);
        binTop[bin] = Math.max(binTop[bin] ?? 0, s.top);
        const big = Math.floor(j / coarse) * coarseCols + Math.floor(i / coarse);
        peak[big] = Math.max(peak[big] ?? 0, s.top);
      }
    }
  });
  const start = new Int32Array(new SharedArrayBuffer((bins.length + 1) * 4));
  bins.forEach((bin, k) => { start[k + 1] = (start[k] ?? 0) + bin.length; });
  const list = new Int32Array(new SharedArrayBuffer(Math.max(1, start[bins.length] ?? 0) * 4));
  bins.forEach((bin, k) => { list.set(bin, start[k] ?? 0); });
  const ceiling = new Float64Array(new SharedArrayBuffer(peak.length * 8)).fill(-Infinity);
  for (let j = 0; j < coarseRows; j++) {
    for (let i = 0; i < coarseCols; i++) {
      for (let y = Math.max(0, j - 1); y <= Math.min(coarseRows - 1, j + 1); y++) {
        for (let x = Math.max(0, i - 1); x <= Math.min(coarseCols - 1, i + 1); x++) {
          ceiling[j * coarseCols + i] = Math.max(ceiling[j * coarseCols + i] ?? 0, peak[y * coarseCols + x] ?? 0);
        }
      }
    }
  }
  return { count: solids.length, data, binSize, cols, rows, start, list, binTop, ceiling, coarseCols };
}

/**
 * Follows the line upwards from (x, y, z), moving (tx, ty) metres per metre of height, and returns the solid it is
 * in at the greatest height above z, or -1. `hit[0]` is that height minus z: seen from above along the line, the
 * first surface met. From a point on a surface: whether anything hides it.
 */
export function traceSolids(set: SolidSet, x: number, y: number, z: number, tx: number, ty: number, hit: Float64Array): number {
  const { cols, rows, start, list, data, binTop } = set;
  let i = Math.floor(x / binSize);
  let j = Math.floor(y / binSize);
  if (i < 0 || j < 0 || i >= cols || j >= rows) return -1;
  const limit = (set.ceiling[(j >> 3) * set.coarseCols + (i >> 3)] ?? 0) - z;
  const [stepI, stepJ] = [tx > 0 ? 1 : -1, ty > 0 ? 1 : -1];
  const spanI = tx === 0 ? Infinity : binSize / Math.abs(tx);
  const spanJ = ty === 0 ? Infinity : binSize / Math.abs(ty);
  let nextI = tx === 0 ? Infinity : ((i + (tx > 0 ? 1 : 0)) * binSize - x) / tx;
  let nextJ = ty === 0 ? Infinity : ((j + (ty > 0 ? 1 : 0)) * binSize - y) / ty;
  let up = 0;
  let best = 0;
  let found = -1;
  while (up < limit) {
    const bin = j * cols + i;
    if ((binTop[bin] ?? 0) > z + up) {
      const end = start[bin + 1] ?? 0;
      for (let k = start[bin] ?? 0; k < end; k++) {
        const solid = list[k] ?? 0;
        const at = exitHeight(data, solid * stride, x, y, z, tx, ty);
        if (at > best) {
          best = at;
          found = solid;
        }
      }
    }
    if (nextI < nextJ) {
      up = nextI;
      nextI += spanI;
      i += stepI;
      if (i < 0 || i >= cols) break;
    } else {
      up = nextJ;
      nextJ += spanJ;
      j += stepJ;
      if (j < 0 || j >= rows) break;
    }
  }
  hit[0] = best;
  return found;
}

/** Height above z at which the line leaves a solid upwards; -1 where it misses it above z. */
function exitHeight(d: Float64Array, p: number, x: number, y: number, z: number, tx: number, ty: number): number {
  const x0 = x - (d[p + 1] ?? 0);
  const y0 = y - (d[p + 2] ?? 0);
  const hx = d[p + 5] ?? 0;
  const top = d[p + 7] ?? 0;
  const shape = d[p + 8] ?? 0;
  if (d[p] === 1) {
    const w = z - top + shape;
    const rr = 1 / (hx * hx);
    const aa = 1 / (shape * shape);
    const qa = (tx * tx + ty * ty) * rr + aa;
    const qb = (x0 * tx + y0 * ty) * rr + w * aa;
    const disc = qb * qb - qa * ((x0 * x0 + y0 * y0) * rr + w * w * aa - 1);
    if (disc > 0) {
      const up = (-qb + Math.sqrt(disc)) / qa;
      if (up + w >= 0) return up;
    }
    const ca = tx * tx + ty * ty;
    const cb = x0 * tx + y0 * ty;
    const side = cb * cb - ca * (x0 * x0 + y0 * y0 - hx * hx);
    if (ca === 0 || side <= 0) return -1;
    const up = (-cb + Math.sqrt(side)) / ca;
    return up + w <= 0 ? up : -1;
  }
  const cos = d[p + 3] ?? 0;
  const sin = d[p + 4] ?? 0;
  const hy = d[p + 6] ?? 0;
  const lx = x0 * cos + y0 * sin;
  const ly = y0 * cos - x0 * sin;
  const dx = tx * cos + ty * sin;
  const dy = ty * cos - tx * sin;
  let low = -Infinity;
  let high = top - z;
  if (shape > 0) {
    high = Math.min((top - z - shape * ly) / (1 + shape * dy), (top - z + shape * ly) / (1 - shape * dy));
  }
  if (dx > 0) {
    high = Math.min(high, (hx - lx) / dx);
    low = (-hx - lx) / dx;
  } else if (dx < 0) {
    high = Math.min(high, (-hx - lx) / dx);
    low = (hx - lx) / dx;
  } else if (lx > hx || lx < -hx) return -1;
  if (dy > 0) {
    high = Math.min(high, (hy - ly) / dy);
    low = Math.max(low, (-hy - ly) / dy);
  } else if (dy < 0) {
    high = Math.min(high, (-hy - ly) / dy);
    low = Math.max(low, (hy - ly) / dy);
  } else if (ly > hy || ly < -hy) return -1;
  return high > low ? high : -1;
}

/** Height of the highest surface of the solids over a ground point; -Infinity where none stands. */
export function topAt(set: SolidSet, x: number, y: number): number {
  const { data, list } = set;
  const [i, j] = [Math.floor(x / binSize), Math.floor(y / binSize)];
  if (i < 0 || j < 0 || i >= set.cols || j >= set.rows) return -Infinity;
  const bin = j * set.cols + i;
  const end = set.start[bin + 1] ?? 0;
  let best = -Infinity;
  for (let k = set.start[bin] ?? 0; k < end; k++) best = Math.max(best, surfaceAt(data, (list[k] ?? 0) * stride, x, y));
  return best;
}

/** Height of one solid's top surface over a ground point; -Infinity beside it. */
export function surfaceAt(d: Float64Array, p: number, x: number, y: number): number {
  const x0 = x - (d[p + 1] ?? 0);
  const y0 = y - (d[p + 2] ?? 0);
  const hx = d[p + 5] ?? 0;
  const top = d[p + 7] ?? 0;
  const shape = d[p + 8] ?? 0;
  if (d[p] === 1) {
    const rho = (x0 * x0 + y0 * y0) / (hx * hx);
    return rho > 1 ? -Infinity : top - shape + shape * Math.sqrt(1 - rho);
  }
  const lx = x0 * (d[p + 3] ?? 0) + y0 * (d[p + 4] ?? 0);
  const ly = y0 * (d[p + 3] ?? 0) - x0 * (d[p + 4] ?? 0);
  return Math.abs(lx) > hx || Math.abs(ly) > (d[p + 6] ?? 0) ? -Infinity : top - shape * Math.abs(ly);
}
