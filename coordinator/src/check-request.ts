// SPDX-License-Identifier: Apache-2.0
import { InputError, type RpcModel, type SceneRequest } from '@altiplano/protocol';
import type { Point } from './polygon.js';
import { type DescribedImage, type PlanPorts, geographic, localize } from './view.js';

/** Refuses, before anything starts, what can't become a scene. Throws InputError naming file and field. */
export function checkRequest(request: SceneRequest, images: readonly DescribedImage[], pairs: readonly (readonly [number, number])[]): void {
  if (images.length < 2) throw new InputError(`images: a scene needs at least 2, but got ${images.length}`);
  for (const image of images) checkRpc(image);
  images.forEach((image, i) => {
    const twin = images.slice(0, i).find((other) => other.fingerprint === image.fingerprint && other.band === image.band);
    if (twin) throw new InputError(`${image.path}: the same image as ${twin.path}; stereo needs two different views`);
  });
  if (pairs.length === 0) throw new InputError('pairs: none given');
  const seen = new Set<string>();
  for (const [ref, sec] of pairs) {
    const name = `pairs: ${ref},${sec}`;
    if (!images[ref] || !images[sec]) throw new InputError(`${name}: there are images 0 to ${images.length - 1}`);
    if (ref === sec) throw new InputError(`${name}: reference and secondary are the same image`);
    if (seen.has(`${ref},${sec}`)) throw new InputError(`${name}: given twice`);
    seen.add(`${ref},${sec}`);
  }
  const range = request.heightRange;
  if (range && !(range[0] < range[1])) throw new InputError(`heightRange: expected MIN < MAX but received ${range[0]},${range[1]}`);
}

/**
 * Refuses an image whose RPC shows the ground mirrored. No camera does: latitude and longitude, or lines and samples, are swapped, and
 * what is matched by such a model are not the same places. Throws InputError.
 */
export function checkHandedness(ports: Pick<PlanPorts, 'rpcLocalize'>, image: DescribedImage, height: number): void {
  const [right, bottom] = [image.width - 0.5, image.height - 0.5];
  const [a = none, b = none, c = none] = localize(ports, image, [[-0.5, -0.5], [right, -0.5], [-0.5, bottom]], height);
  // East along a row times north along a column, less the other two: negative seen from above.
  const turn = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
  if (turn > 0) {
    throw new InputError(`${image.path}: the RPC (${image.rpcSource}) shows the ground mirrored: latitude and longitude, or lines and samples, are swapped in it, or the image was flipped without it; take the original product's`);
  }
}

const none: Point = [NaN, NaN];

/** Refuses a CRS without metres. */
export function checkCrs(ports: Pick<PlanPorts, 'crsInfo'>, crs: string): void {
  let info: ReturnType<PlanPorts['crsInfo']>;
  try {
    info = ports.crsInfo(crs);
  } catch (cause) {
    if (!knows(ports, geographic)) {
      throw new InputError('PROJ has no database it can use: unset PROJ_LIB and PROJ_DATA, which may name the one of another installation (conda, QGIS)', cause);
    }
    throw new InputError(`crs: '${crs}' is not a coordinate reference system PROJ knows`, cause);
  }
  if (!info.isProjected) throw new InputError(`crs: ${crs} (${info.name}) is geographic; the DSM needs a projected CRS in metres, e.g. a UTM zone (leave --crs out to get it)`);
  if (info.unitM === null || Math.abs(info.unitM - 1) > 1e-9) throw new InputError(`crs: ${crs} (${info.name}) has a unit of ${info.unitM} m; the DSM needs a projected CRS in metres`);
}

function knows(ports: Pick<PlanPorts, 'crsInfo'>, crs: string): boolean {
  try {
    ports.crsInfo(crs);
    return true;
  } catch {
    return false;
  }
}

const largestScaleError = 0.05;

/**
 * Refuses a CRS made for another place, by its scale there: a wrong zone's or web Mercator's metres are none, and heights measured
 * by them come out wrong. Refuses a geoid that has no value there. `place`: longitude and latitude of the images.
 */
export function checkPlace(ports: Pick<PlanPorts, 'transformPoints' | 'sampleRaster'>, crs: string, [lon, lat]: Point, geoid: string | undefined): void {
  const step = 1e-3;
  const [e0 = NaN, n0 = NaN, e1 = NaN, n1 = NaN, e2 = NaN, n2 = NaN] =
    ports.transformPoints(geographic, crs, Float64Array.of(lon, lat, lon + step, lat, lon, lat + step));
  const metresPerDegree = 111_320;
  const scales = [Math.hypot(e1 - e0, n1 - n0) / Math.cos((lat * Math.PI) / 180), Math.hypot(e2 - e0, n2 - n0)].map((length) => length / (step * metresPerDegree));
  const worst = scales.find((scale) => !(Math.abs(scale - 1) <= largestScaleError));
  if (worst !== undefined) {
    throw new InputError(`crs: 1 m on the ground is ${worst.toFixed(3)} m in ${crs} where the images are (${lon.toFixed(4)}, ${lat.toFixed(4)}); choose a CRS made for the place (leave --crs out to get one)`);
  }
  if (geoid === undefined) return;
  const [undulation = NaN] = ports.sampleRaster(geoid, 1, geographic, Float64Array.of(lon, lat));
  if (Number.isNaN(undulation)) throw new InputError(`geoid: ${geoid} has no value where the images are (${lon.toFixed(4)}, ${lat.toFixed(4)})`);
}

function checkRpc({ path, rpc, rpcSource }: DescribedImage): void {
  const numbers = Object.entries(rpc).flatMap(([field, value]): [string, number][] =>
    (typeof value === 'number' ? [[field, value]] : value.map((v, i): [string, number] => [`${field}[${i}]`, v])));
  const bad = numbers.find(([, value]) => !Number.isFinite(value));
  if (bad) throw new InputError(`${path}: RPC field '${bad[0]}' in ${rpcSource} is ${bad[1]}`);
  const scales: (keyof RpcModel)[] = ['lonScale', 'latScale', 'altScale', 'colScale', 'rowScale'];
  const zero = scales.find((field) => rpc[field] === 0);
  if (zero) throw new InputError(`${path}: RPC field '${zero}' in ${rpcSource} is 0`);
}
