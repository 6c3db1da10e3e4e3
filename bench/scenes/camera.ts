// SPDX-License-Identifier: Apache-2.0
import { type Vec3, along, cross, dot, ecefFromGeodetic, geodeticFromEcef, intersectAltitude, length, localAxes, unit } from './geodesy.js';

/**
 * A pushbroom camera. The satellite flies a circle around the Earth's centre; while row after row is exposed its
 * attitude steers the line's middle over the ground along a straight scan line, with a small roll and pitch
 * drift. Every row has its own position and its own look: no perspective centre, as in the real thing.
 *
 *   S(row)  position       = r (cos t p + sin t q), t = (row - rowMid) step
 *   z(row)  look           = unit(target + (row - rowMid) scanStep scan + drift(row) - S(row))
 *   x(row)  line of pixels = unit(line - (line . z) z)
 *   the ray of pixel (col, row) leaves S along z + (col - colMid) ifov x
 */
export interface Camera {
  readonly width: number; readonly height: number;
  readonly orbitRadius: number; readonly p: Vec3; readonly q: Vec3;
  /** Radians of orbit per row. */
  readonly step: number;
  readonly target: Vec3; readonly scan: Vec3; readonly line: Vec3;
  /** Metres on the ground per row, at the target. */
  readonly scanStep: number;
  /** Radians per pixel. */
  readonly ifov: number;
  /** Amplitude of the attitude drift, metres on the ground. */
  readonly driftM: number;
}

/** Where the camera looks from: metres of offset per metre of height along and across the track of the base. */
export interface ViewGeometry {
  readonly lon: number; readonly lat: number; readonly alt: number;
  readonly width: number; readonly height: number;
  /** Ground sample distance straight down, metres; it grows with the distance as the look gets oblique. */
  readonly gsdM: number;
  readonly orbitAltM: number;
  readonly alongTan: number; readonly acrossTan: number;
  /** Azimuths in degrees clockwise from north: of increasing rows, and of the base. */
  readonly scanAzimuth: number; readonly baseAzimuth: number;
  readonly driftPx: number;
}

export function makeCamera(view: ViewGeometry): Camera {
  const target = ecefFromGeodetic(view.lon, view.lat, view.alt);
  const { east, north, up } = localAxes(view.lon, view.lat);
  const horizontal = (azimuth: number): Vec3 => {
    const angle = (azimuth * Math.PI) / 180;
    return along(along([0, 0, 0], Math.sin(angle), east), Math.cos(angle), north);
  };
  // Positive alongTan looks from where the satellite comes from: against the direction of flight.
  const look = unit(along(along(up, -view.alongTan, horizontal(view.baseAzimuth)), view.acrossTan, horizontal(view.baseAzimuth + 90)));
  const orbitRadius = length(target) + view.orbitAltM;
  const t = dot(target, look);
  const range = -t + Math.sqrt(t * t + orbitRadius * orbitRadius - dot(target, target));
  const p = unit(along(target, range, look));
  const flight = horizontal(view.baseAzimuth);
  const q = unit(along(flight, -dot(flight, p), p));
  const scanStep = (view.gsdM * range) / view.orbitAltM;
  const speed = 7500;
  const lineTime = (1.3 * scanStep) / 6900;
  return {
    width: view.width, height: view.height, orbitRadius, p, q,
    step: (speed * lineTime) / orbitRadius,
    target, scan: horizontal(view.scanAzimuth), line: horizontal(view.scanAzimuth - 90),
    scanStep, ifov: view.gsdM / view.orbitAltM, driftM: view.driftPx * view.gsdM,
  };
}

interface RowFrame { readonly position: Vec3; readonly z: Vec3; readonly x: Vec3 }

/** Rows per turn of the drift: slow enough that the cubics of an RPC follow it. */
const driftPeriod = (height: number): number => 3 * Math.max(height, 2048);

function rowFrame(camera: Camera, row: number): RowFrame {
  const rho = row - (camera.height - 1) / 2;
  const t = rho * camera.step;
  const position = along(along([0, 0, 0], camera.orbitRadius * Math.cos(t), camera.p), camera.orbitRadius * Math.sin(t), camera.q);
  const phase = (2 * Math.PI * rho) / driftPeriod(camera.height);
  const roll = camera.driftM * Math.sin(phase + 0.6);
  const pitch = camera.driftM * Math.cos(phase);
  const aim = along(along(camera.target, rho * camera.scanStep + pitch, camera.scan), roll, camera.line);
  const z = unit(along(aim, -1, position));
  return { position, z, x: unit(along(camera.line, -dot(camera.line, z), z)) };
}

/** Ground point (longitude, latitude in degrees, altitude) of a pixel at an altitude in metres; closed form. */
export function localize(camera: Camera, col: number, row: number, alt: number): Vec3 {
  const { position, z, x } = rowFrame(camera, row);
  const ray = unit(along(z, (col - (camera.width - 1) / 2) * camera.ifov, x));
  return geodeticFromEcef(intersectAltitude(position, ray, alt));
}

/** Pixel (column, row) that sees a point: finds the row whose plane of view holds it, by secant steps to 1e-9 px. */
export function project(camera: Camera, lon: number, lat: number, alt: number): readonly [number, number] {
  const point = ecefFromGeodetic(lon, lat, alt);
  const miss = (row: number): number => {
    const { position, z, x } = rowFrame(camera, row);
    const ray = along(point, -1, position);
    return dot(ray, cross(x, z)) / dot(ray, z);
  };
  let previous = (camera.height - 1) / 2;
  let previousMiss = miss(previous);
  let row = previous + 1;
  for (let i = 0; i < 50; i++) {
    const current = miss(row);
    const change = (current * (row - previous)) / (current - previousMiss);
    [previous, previousMiss] = [row, current];
    if (!(Math.abs(change) > 1e-9)) break;
    row -= change;
  }
  const { position, z, x } = rowFrame(camera, row);
  const ray = along(point, -1, position);
  return [(camera.width - 1) / 2 + dot(ray, x) / dot(ray, z) / camera.ifov, row];
}
