// SPDX-License-Identifier: Apache-2.0
import { type Camera, localize, makeCamera } from './camera.js';
import { type Utm, utmFromLonLat } from './geodesy.js';
import { packSolids } from './objects.js';
import type { SceneSettings } from './options.js';
import { convexHull, type Place, spanAt } from './outline.js';
import { makeNoise } from './random.js';
import { type TerrainKind, groundAt, makeTerrain } from './terrain.js';
import { buildCountryside, buildTown, planTown } from './town.js';
import { type World, makeSun } from './world.js';

const orbitAltM = 620e3;
const scanAzimuth = 193;
const baseAzimuth = 190.4;
/** World around the images' footprints: room for the longest shadow. */
const marginM = 70;

/** The cameras of a scene: one orbit's track, image 0 first. Columns run about along the track, so the epipolar lines do. */
export function makeCameras(settings: SceneSettings): Camera[] {
  const b = settings.baseToHeight;
  const alongTans = settings.views === 3 ? [0, b, -b] : settings.split === 'nadir' ? [0, b] : [b / 2, -b / 2];
  return alongTans.map((alongTan) => makeCamera({
    lon: settings.lon, lat: settings.lat, alt: settings.altitude,
    width: settings.size, height: settings.size, gsdM: settings.gsd, orbitAltM,
    alongTan, acrossTan: 0.035, scanAzimuth, baseAzimuth, driftPx: 0.8,
  }));
}

/** Places (E, N) around what the cameras see at some altitudes, two pixels added: their hull holds it all. */
export function footprint(cameras: readonly Camera[], utm: Utm, altitudes: readonly number[]): Place[] {
  const places: Place[] = [];
  for (const camera of cameras) {
    for (const alt of altitudes) {
      for (let k = 0; k <= 8; k++) {
        const t = k / 8;
        for (const [u, v] of [[t, 0], [t, 1], [0, t], [1, t]] as const) {
          const [lon, lat] = localize(camera, -2.5 + u * (camera.width + 4), -2.5 + v * (camera.height + 4), alt);
          places.push(utmFromLonLat(utm, lon, lat));
        }
      }
    }
  }
  return places;
}

/** [minE, minN, maxE, maxN] of places. */
export function boxAround(places: readonly Place[]): [number, number, number, number] {
  const box: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [e, n] of places) {
    box[0] = Math.min(box[0], e);
    box[1] = Math.min(box[1], n);
    box[2] = Math.max(box[2], e);
    box[3] = Math.max(box[3], n);
  }
  return box;
}

/** Builds the world under what the cameras see (its radiance is still to be shaded). */
export function makeWorld(settings: SceneSettings, seen: readonly Place[]): World {
  const box = boxAround(seen);
  const { terrain: kind, seed, gsd } = settings;
  const originE = Math.floor((box[0] - marginM) / 16) * 16;
  const originN = Math.floor((box[1] - marginM) / 16) * 16;
  const [width, height] = [box[2] + marginM - originE, box[3] + marginM - originN];
  const spacing = 4 * gsd;
  const terrain = makeTerrain({
    kind, seed, spacing, cols: Math.ceil(width / spacing) + 2, rows: Math.ceil(height / spacing) + 2,
    relief: settings.relief, altitude: settings.altitude,
  });
  const ground = (x: number, y: number): number => groundAt(terrain, x, y);
  const town = kind === 'city' ? planTown(seed, width, height) : null;
  const solids = town !== null ? buildTown(town, seed, ground) : buildCountryside(seed, width, height, ground, countryside[kind]);
  const sun = makeSun(settings.lat < 0 ? 38 : 148, kind === 'mountains' ? 36 : 47);
  const pitch = gsd / 2;
  const [cols, rows] = [Math.ceil(width / pitch) + 2, Math.ceil(height / pitch) + 2];
  return {
    originE, originN, terrain, sun,
    solids: packSolids(solids, width, height),
    cover: { kind, seed, town, noise: makeNoise(seed ^ 0x5eed), grainM: 1.25 * gsd },
    ground: {
      spacing: pitch, cols, rows, data: new Uint16Array(new SharedArrayBuffer(cols * rows * 2)),
      spans: seenSpans(seen.map(([e, n]) => [e - originE, n - originN]), pitch, cols, rows),
    },
  };
}

/** Columns of ground nodes that an image can show, per row of nodes: from, to. The rest, a third of a turned scene, needs no shading. */
function seenSpans(seen: readonly Place[], pitch: number, cols: number, rows: number): Int32Array {
  const hull = convexHull(seen);
  const spans = new Int32Array(new SharedArrayBuffer(rows * 8));
  for (let j = 0; j < rows; j++) {
    const span = spanAt(hull, j * pitch, 2 * pitch);
    if (span === null) continue;
    spans[2 * j] = Math.max(0, Math.floor(span[0] / pitch));
    spans[2 * j + 1] = Math.min(cols, Math.ceil(span[1] / pitch) + 1);
  }
  return spans;
}

const countryside: Readonly<Record<TerrainKind, { houses: number; trees: number }>> = {
  flat: { houses: 10, trees: 60 },
  city: { houses: 0, trees: 0 },
  hills: { houses: 25, trees: 200 },
  mountains: { houses: 0, trees: 120 },
};
