// SPDX-License-Identifier: Apache-2.0
import { InputError, type RpcModel, type SceneRequest } from '@altiplano/protocol';
import type { DescribedImage, PlanPorts } from './view.js';

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

/** Refuses a CRS without metres. */
export function checkCrs(ports: Pick<PlanPorts, 'crsInfo'>, crs: string): void {
  let info: ReturnType<PlanPorts['crsInfo']>;
  try {
    info = ports.crsInfo(crs);
  } catch (cause) {
    throw new InputError(`crs: '${crs}' is not a coordinate reference system PROJ knows`, cause);
  }
  if (!info.isProjected) throw new InputError(`crs: ${crs} (${info.name}) is geographic; the DSM needs a projected CRS in metres, e.g. a UTM zone (leave --crs out to get it)`);
  if (info.unitM === null || Math.abs(info.unitM - 1) > 1e-9) throw new InputError(`crs: ${crs} (${info.name}) has a unit of ${info.unitM} m; the DSM needs a projected CRS in metres`);
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
