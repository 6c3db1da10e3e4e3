// SPDX-License-Identifier: Apache-2.0
/**
 * WGS84 in closed form: geodetic, Earth-centred (ECEF) and UTM coordinates, good to nanometres near the surface. Not PROJ, on
 * purpose: the truth shares no code with what it judges.
 * Sources: Bowring 1985 (ECEF to geodetic), Karney 2011, "Transverse Mercator with an accuracy of a few
 * nanometers", eqs. 7-9, 35, 36 (the Krueger series to sixth order in the third flattening).
 */
export type Vec3 = readonly [number, number, number];

const a = 6378137;
const f = 1 / 298.257223563;
const b = a * (1 - f);
const e2 = f * (2 - f);
const e = Math.sqrt(e2);
const degree = Math.PI / 180;

export const dot = (p: Vec3, q: Vec3): number => p[0] * q[0] + p[1] * q[1] + p[2] * q[2];
export const cross = (p: Vec3, q: Vec3): Vec3 => [p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]];
/** p + k q */
export const along = (p: Vec3, k: number, q: Vec3): Vec3 => [p[0] + k * q[0], p[1] + k * q[1], p[2] + k * q[2]];
export const length = (p: Vec3): number => Math.sqrt(dot(p, p));
export const unit = (p: Vec3): Vec3 => along([0, 0, 0], 1 / length(p), p);

/** Degrees and metres above the ellipsoid to ECEF metres. */
export function ecefFromGeodetic(lon: number, lat: number, alt: number): Vec3 {
  const sin = Math.sin(lat * degree);
  const cos = Math.cos(lat * degree);
  const normal = a / Math.sqrt(1 - e2 * sin * sin);
  return [(normal + alt) * cos * Math.cos(lon * degree), (normal + alt) * cos * Math.sin(lon * degree), (normal * (1 - e2) + alt) * sin];
}

/** ECEF metres to (longitude, latitude, altitude): degrees, degrees, metres. Not for points near the Earth's centre. */
export function geodeticFromEcef(p: Vec3): Vec3 {
  const radius = Math.hypot(p[0], p[1]);
  let tanBeta = (p[2] * a) / (radius * b);
  let tan = 0;
  for (let i = 0; i < 3; i++) {
    const cosBeta = 1 / Math.sqrt(1 + tanBeta * tanBeta);
    const sinBeta = tanBeta * cosBeta;
    tan = (p[2] + (e2 / (1 - e2)) * b * sinBeta ** 3) / (radius - e2 * a * cosBeta ** 3);
    tanBeta = (1 - f) * tan;
  }
  const cos = 1 / Math.sqrt(1 + tan * tan);
  const sin = tan * cos;
  const alt = radius * cos + p[2] * sin - a * Math.sqrt(1 - e2 * sin * sin);
  return [Math.atan2(p[1], p[0]) / degree, Math.atan(tan) / degree, alt];
}

/** East, north and up unit vectors at a place, in ECEF. */
export function localAxes(lon: number, lat: number): { readonly east: Vec3; readonly north: Vec3; readonly up: Vec3 } {
  const [sl, cl, sp, cp] = [Math.sin(lon * degree), Math.cos(lon * degree), Math.sin(lat * degree), Math.cos(lat * degree)];
  return { east: [-sl, cl, 0], north: [-sp * cl, -sp * sl, cp], up: [cp * cl, cp * sl, sp] };
}

/** Where the ray p + s d, s > 0, d of unit length, first meets altitude `alt` (metres above the ellipsoid). */
export function intersectAltitude(p: Vec3, d: Vec3, alt: number): Vec3 {
  const [ka, kb] = [1 / (a + alt), 1 / (b + alt)];
  const ps: Vec3 = [p[0] * ka, p[1] * ka, p[2] * kb];
  const ds: Vec3 = [d[0] * ka, d[1] * ka, d[2] * kb];
  const [qa, qb, qc] = [dot(ds, ds), dot(ps, ds), dot(ps, ps) - 1];
  let s = (-qb - Math.sqrt(qb * qb - qa * qc)) / qa;
  // The surface of equal altitude is not quite the scaled ellipsoid: two Newton steps close the micrometres.
  for (let i = 0; i < 2; i++) {
    const [lon, lat, h] = geodeticFromEcef(along(p, s, d));
    s -= (h - alt) / dot(d, localAxes(lon, lat).up);
  }
  return along(p, s, d);
}

const n = f / (2 - f);
const rectifying = (a / (1 + n)) * (1 + n ** 2 / 4 + n ** 4 / 64 + n ** 6 / 256);
const alpha = [
  n / 2 - (2 / 3) * n ** 2 + (5 / 16) * n ** 3 + (41 / 180) * n ** 4 - (127 / 288) * n ** 5 + (7891 / 37800) * n ** 6,
  (13 / 48) * n ** 2 - (3 / 5) * n ** 3 + (557 / 1440) * n ** 4 + (281 / 630) * n ** 5 - (1983433 / 1935360) * n ** 6,
  (61 / 240) * n ** 3 - (103 / 140) * n ** 4 + (15061 / 26880) * n ** 5 + (167603 / 181440) * n ** 6,
  (49561 / 161280) * n ** 4 - (179 / 168) * n ** 5 + (6601661 / 7257600) * n ** 6,
  (34729 / 80640) * n ** 5 - (3418889 / 1995840) * n ** 6,
  (212378941 / 319334400) * n ** 6,
];
const beta = [
  n / 2 - (2 / 3) * n ** 2 + (37 / 96) * n ** 3 - (1 / 360) * n ** 4 - (81 / 512) * n ** 5 + (96199 / 604800) * n ** 6,
  (1 / 48) * n ** 2 + (1 / 15) * n ** 3 - (437 / 1440) * n ** 4 + (46 / 105) * n ** 5 - (1118711 / 3870720) * n ** 6,
  (17 / 480) * n ** 3 - (37 / 840) * n ** 4 - (209 / 4480) * n ** 5 + (5569 / 90720) * n ** 6,
  (4397 / 161280) * n ** 4 - (11 / 504) * n ** 5 - (830251 / 7257600) * n ** 6,
  (4583 / 161280) * n ** 5 - (108847 / 3991680) * n ** 6,
  (20648693 / 638668800) * n ** 6,
];
const k0 = 0.9996;

/** A UTM zone: its EPSG code, central meridian in degrees and false northing in metres. */
export interface Utm { readonly epsg: number; readonly meridian: number; readonly falseNorthing: number }

/** The standard zone of a place (without the exceptions of Norway and Svalbard). */
export function utmZone(lon: number, lat: number): Utm {
  const zone = Math.min(60, Math.max(1, Math.floor((lon + 180) / 6) + 1));
  return { epsg: (lat < 0 ? 32700 : 32600) + zone, meridian: zone * 6 - 183, falseNorthing: lat < 0 ? 1e7 : 0 };
}

/** Degrees to (east, north), metres. */
export function utmFromLonLat(utm: Utm, lon: number, lat: number): readonly [number, number] {
  const tau = Math.tan(lat * degree);
  const lambda = (lon - utm.meridian) * degree;
  const tauC = conformal(tau);
  const xiC = Math.atan2(tauC, Math.cos(lambda));
  const etaC = Math.asinh(Math.sin(lambda) / Math.hypot(tauC, Math.cos(lambda)));
  let [xi, eta] = [xiC, etaC];
  alpha.forEach((k, j) => {
    xi += k * Math.sin(2 * (j + 1) * xiC) * Math.cosh(2 * (j + 1) * etaC);
    eta += k * Math.cos(2 * (j + 1) * xiC) * Math.sinh(2 * (j + 1) * etaC);
  });
  return [500000 + k0 * rectifying * eta, utm.falseNorthing + k0 * rectifying * xi];
}

/** (east, north) metres to (longitude, latitude) degrees. */
export function lonLatFromUtm(utm: Utm, east: number, north: number): readonly [number, number] {
  const xi = (north - utm.falseNorthing) / (k0 * rectifying);
  const eta = (east - 500000) / (k0 * rectifying);
  let [xiC, etaC] = [xi, eta];
  beta.forEach((k, j) => {
    xiC -= k * Math.sin(2 * (j + 1) * xi) * Math.cosh(2 * (j + 1) * eta);
    etaC -= k * Math.cos(2 * (j + 1) * xi) * Math.sinh(2 * (j + 1) * eta);
  });
  const tauC = Math.sin(xiC) / Math.hypot(Math.sinh(etaC), Math.cos(xiC));
  let tau = tauC / (1 - e2);
  for (let i = 0; i < 4; i++) {
    const error = conformal(tau);
    tau += (((tauC - error) / Math.sqrt(1 + error * error)) * (1 + (1 - e2) * tau * tau)) / ((1 - e2) * Math.sqrt(1 + tau * tau));
  }
  return [utm.meridian + Math.atan2(Math.sinh(etaC), Math.cos(xiC)) / degree, Math.atan(tau) / degree];
}

function conformal(tau: number): number {
  const root = Math.sqrt(1 + tau * tau);
  const sigma = Math.sinh(e * Math.atanh((e * tau) / root));
  return tau * Math.sqrt(1 + sigma * sigma) - sigma * root;
}
