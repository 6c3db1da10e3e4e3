// SPDX-License-Identifier: Apache-2.0
import { grain, groundAlbedo } from './cover.js';
import { field, stride, surfaceAt, traceSolids } from './objects.js';
import { noiseAt } from './random.js';
import { groundAt } from './terrain.js';
import { type World, groundScale } from './world.js';

/** DN of a white surface square to the sun, share of it that is sky light, and path radiance. */
const gain = 5000;
const skyShare = 0.24;
const haze = 45;

/** Lambert: the sun's part counts `lit` (0 shadow, 1 sun) times the cosine, the sky's part how much sky the surface faces. */
function radiance(albedo: number, cosine: number, lit: number, normalZ: number): number {
  return haze + gain * albedo * ((1 - skyShare) * lit * Math.max(0, cosine) + skyShare * (0.5 + 0.5 * normalZ));
}

/** Fills rows [row0, row0 + count) of the ground's radiance (row 0 = south) where an image can show it: albedo, slope, cast shadows of solids and hills. */
export function shadeGround(world: World, row0: number, count: number): void {
  const { terrain, solids, sun, cover, ground } = world;
  const firstPost = Math.min(terrain.rows - 2, Math.floor((row0 * ground.spacing) / terrain.spacing));
  const lastPost = Math.min(terrain.rows - 1, Math.floor(((row0 + count - 1) * ground.spacing) / terrain.spacing) + 1);
  const { gx: postGx, gy: postGy, light: postLight } = shadePosts(world, firstPost, lastPost - firstPost + 1);
  const hit = new Float64Array(1);
  for (let j = row0; j < row0 + count; j++) {
    const y = j * ground.spacing;
    const py = y / terrain.spacing - firstPost;
    const postRow = Math.min(lastPost - firstPost - 1, Math.floor(py));
    const to = ground.spans[2 * j + 1] ?? 0;
    for (let i = ground.spans[2 * j] ?? 0; i < to; i++) {
      const x = i * ground.spacing;
      const px = x / terrain.spacing;
      const postCol = Math.min(terrain.cols - 2, Math.floor(px));
      const k = postRow * terrain.cols + postCol;
      const gx = between(postGx, k, terrain.cols, px - postCol, py - postRow);
      const gy = between(postGy, k, terrain.cols, px - postCol, py - postRow);
      const normalZ = 1 / Math.sqrt(1 + gx * gx + gy * gy);
      const cosine = (sun.z - gx * sun.x - gy * sun.y) * normalZ;
      let lit = 0;
      if (cosine > 0) {
        lit = between(postLight, k, terrain.cols, px - postCol, py - postRow);
        if (lit > 0 && traceSolids(solids, x, y, groundAt(terrain, x, y) + 0.01, sun.tx, sun.ty, hit) >= 0) lit = 0;
      }
      const albedo = groundAlbedo(cover, x, y, Math.sqrt(gx * gx + gy * gy));
      ground.data[j * ground.cols + i] = Math.min(65535, groundScale * radiance(albedo, cosine, lit, normalZ));
    }
  }
}

function between(values: Float32Array, k: number, cols: number, fx: number, fy: number): number {
  const a = values[k] ?? 0;
  const b = values[k + 1] ?? 0;
  const c = values[k + cols] ?? 0;
  const d = values[k + cols + 1] ?? 0;
  const south = a + (b - a) * fx;
  return south + (c + (d - c) * fx - south) * fy;
}

/** Slope and sunlight at `count` rows of posts: smooth between them, where the bilinear ground itself has facets. */
function shadePosts(world: World, row0: number, count: number): { gx: Float32Array; gy: Float32Array; light: Float32Array } {
  const { terrain, sun } = world;
  const { cols, rows, posts, spacing } = terrain;
  const [gx, gy, light] = [new Float32Array(count * cols), new Float32Array(count * cols), new Float32Array(count * cols)];
  const shaded = terrain.maxSlope * Math.hypot(sun.tx, sun.ty) >= 1;
  for (let j = row0, k = 0; j < row0 + count; j++) {
    const [south, north] = [Math.max(0, j - 1), Math.min(rows - 1, j + 1)];
    for (let i = 0; i < cols; i++, k++) {
      const west = Math.max(0, i - 1);
      const east = Math.min(cols - 1, i + 1);
      gx[k] = ((posts[j * cols + east] ?? 0) - (posts[j * cols + west] ?? 0)) / ((east - west) * spacing);
      gy[k] = ((posts[north * cols + i] ?? 0) - (posts[south * cols + i] ?? 0)) / ((north - south) * spacing);
      light[k] = shaded ? hillLight(world, i * spacing, j * spacing, posts[j * cols + i] ?? 0) : 1;
    }
  }
  return { gx, gy, light };
}

/** 0 behind a hill, 1 in the sun, and a soft edge over 3 m of height in between. Steps grow with the distance. */
function hillLight({ terrain, sun }: World, x: number, y: number, z: number): number {
  let margin = 1;
  for (let up = 2; z + up < terrain.high; up *= 1.12) {
    margin = Math.min(margin, (z + up - groundAt(terrain, x + sun.tx * up, y + sun.ty * up)) / 3 + 0.5);
    if (margin <= 0) return 0;
  }
  return margin;
}

/** Radiance of the ground at a place, DN. */
export function groundRadiance(world: World, x: number, y: number): number {
  const { data, cols, rows, spacing } = world.ground;
  const px = Math.min(cols - 1.001, Math.max(0, x / spacing));
  const py = Math.min(rows - 1.001, Math.max(0, y / spacing));
  const i = Math.floor(px);
  const j = Math.floor(py);
  const k = j * cols + i;
  const fx = px - i;
  const fy = py - j;
  const a = data[k] ?? 0;
  const b = data[k + 1] ?? 0;
  const c = data[k + cols] ?? 0;
  const d = data[k + cols + 1] ?? 0;
  const south = a + (b - a) * fx;
  return (south + (c + (d - c) * fx - south) * fy) / groundScale;
}

/** Radiance of a solid at a point of its surface, DN: roofs with their patterns, walls with windows, leaves. */
export function solidRadiance(world: World, solid: number, x: number, y: number, z: number, hit: Float64Array): number {
  const { sun, solids, cover } = world;
  const d = solids.data;
  const p = solid * stride;
  const x0 = x - (d[p + field.x] ?? 0);
  const y0 = y - (d[p + field.y] ?? 0);
  const base = d[p + field.base] ?? 0;
  const onTop = z > surfaceAt(d, p, x, y) - 1e-3;
  let albedo = d[p + field.albedo] ?? 0;
  let nx = 0;
  let ny = 0;
  let nz = 1;
  if (d[p + field.dome] === 1) {
    const r = d[p + field.hx] ?? 1;
    const h = d[p + field.shape] ?? 1;
    const w = Math.max(0, z - (d[p + field.top] ?? 0) + h);
    nx = x0 / (r * r);
    ny = y0 / (r * r);
    nz = w / (h * h);
    const size = Math.sqrt(nx * nx + ny * ny + nz * nz);
    nx /= size;
    ny /= size;
    nz /= size;
    albedo *= 1 + 0.5 * noiseAt(cover.noise, x / 0.9 + z, y / 0.9) + 0.4 * noiseAt(cover.noise, x / 2.1, y / 2.1 - z);
  } else {
    const cos = d[p + field.cos] ?? 1;
    const sin = d[p + field.sin] ?? 0;
    const hx = d[p + field.hx] ?? 1;
    const hy = d[p + field.hy] ?? 1;
    const lx = x0 * cos + y0 * sin;
    const ly = y0 * cos - x0 * sin;
    if (onTop) {
      const pitch = (d[p + field.shape] ?? 0) * (ly < 0 ? -1 : 1);
      nz = 1 / Math.sqrt(1 + pitch * pitch);
      nx = -sin * pitch * nz;
      ny = cos * pitch * nz;
      albedo *= roofPattern(world, d[p + field.style] ?? 0, solid, lx, ly, hx, hy, x, y);
    } else {
      const end = Math.abs(lx) - hx > Math.abs(ly) - hy;
      const [ax, ay] = end ? [Math.sign(lx), 0] : [0, Math.sign(ly)];
      nx = ax * cos - ay * sin;
      ny = ax * sin + ay * cos;
      nz = 0;
      albedo = wallAlbedo(world, solid, end ? ly : lx, z - base);
    }
  }
  const cosine = nx * sun.x + ny * sun.y + nz * sun.z;
  const lit = cosine > 0 && traceSolids(solids, x + 0.02 * nx, y + 0.02 * ny, z + 0.02 * nz, sun.tx, sun.ty, hit) < 0 ? 1 : 0;
  return radiance(albedo, cosine, lit, nz);
}

/** Relative brightness of a roof: courses of tiles, seams of sheets, patched felt; a light ridge, a darker rim. */
function roofPattern(world: World, style: number, solid: number, lx: number, ly: number, hx: number, hy: number, x: number, y: number): number {
  const g = grain(world.cover, x, y);
  const rim = Math.min(hx - Math.abs(lx), hy - Math.abs(ly)) < 0.35 ? 0.8 : 1;
  if (style === 1) {
    const ridge = Math.abs(ly) < 0.3 ? 1.25 : 1;
    return rim * ridge * (1 + 0.2 * g + 0.06 * Math.sin((2 * Math.PI * ly) / 1.3) + 0.14 * noiseAt(world.cover.noise, lx / 1.1 + solid * 7.3, ly / 0.8));
  }
  if (style === 2) return rim * (1 + 0.12 * g + (((lx % 3) + 3) % 3 < 0.4 ? -0.18 : 0) + 0.08 * noiseAt(world.cover.noise, lx / 6 + solid * 3.1, ly / 6));
  return rim * (1 + 0.2 * g + 0.18 * Math.sign(noiseAt(world.cover.noise, lx / 5 + solid * 5.7, ly / 4)));
}

/** Plaster with rows of windows, three metres a storey. */
function wallAlbedo(world: World, solid: number, at: number, up: number): number {
  const plaster = 0.16 + 0.3 * (0.5 + 0.5 * noiseAt(world.cover.noise, solid * 13.7, 0.5));
  const storey = up / 3 - Math.floor(up / 3);
  const bay = at / 2.8 - Math.floor(at / 2.8);
  const isWindow = storey > 0.3 && storey < 0.8 && bay > 0.3 && bay < 0.75;
  return isWindow ? 0.06 : plaster * (1 + 0.2 * noiseAt(world.cover.noise, at / 1.5 + solid, up / 1.5));
}
