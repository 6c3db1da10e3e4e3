// SPDX-License-Identifier: Apache-2.0
import type { RpcModel } from '../../lib/types.js';
import { RpcError } from '../errors.js';
import { modelFromFields, type RpcFieldNames } from './rpc-fields.js';
import { numbered } from './rpc-text.js';

const geomNames: RpcFieldNames = {
  lonOff: 'long_off', lonScale: 'long_scale', latOff: 'lat_off', latScale: 'lat_scale',
  altOff: 'height_off', altScale: 'height_scale', colOff: 'samp_off', colScale: 'samp_scale',
  rowOff: 'line_off', rowScale: 'line_scale', colNum: 'samp_num_coeff', colDen: 'samp_den_coeff',
  rowNum: 'line_num_coeff', rowDen: 'line_den_coeff',
};

/**
 * Parses an OTB/OSSIM keyword list (`.geom`): the RPC of the FULL scene, (0, 0) the centre of its first pixel.
 * The crop's place in the scene is in the image's geotransform: see cropRpc. Throws RpcError.
 */
export function parseGeom(file: string, text: string): RpcModel {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const split = line.indexOf(':');
    if (split < 0) continue;
    // OSSIM prefixes keys where a list holds several objects (image0.projection.line_off): the last part counts.
    const key = line.slice(0, split).trim().split('.').at(-1) ?? '';
    if (!fields.has(key)) fields.set(key, line.slice(split + 1).trim());
  }
  const format = fields.get('polynomial_format');
  if (format !== undefined && format !== 'B') {
    throw new RpcError(file, 'polynomial_format', `is '${format}': only RPC00B ('B') is supported`);
  }
  return modelFromFields({
    file,
    names: geomNames,
    number: (name) => fields.get(name) ?? null,
    list: (name) => numbered(name, (key) => fields.get(key) ?? null, 0),
  });
}

/**
 * The RPC of a crop from that of its scene. OTB writes a crop's place into a geotransform without CRS, in corner
 * coordinates: pixel (c, r) of the crop has its centre at scene corner coordinates g0 + g1 (c + 0.5), g3 + g5 (r + 0.5),
 * which are scene pixels plus a half. Throws RpcError for a rotated or mirrored geotransform.
 */
export function cropRpc(file: string, scene: RpcModel, geotransform: readonly number[]): RpcModel {
  const [x0 = 0, dx = 1, xr = 0, y0 = 0, yc = 0, dy = 1] = geotransform;
  if (xr !== 0 || yc !== 0 || !(dx > 0) || !(dy > 0)) {
    throw new RpcError(file, 'geotransform', `is [${geotransform.join(', ')}]: the place of a crop must not be rotated or mirrored`);
  }
  return {
    ...scene,
    // With unit pixels the half cancels: subtract the origin only, exactly.
    colOff: dx === 1 ? scene.colOff - x0 : (scene.colOff + 0.5 - x0) / dx - 0.5,
    colScale: scene.colScale / dx,
    rowOff: dy === 1 ? scene.rowOff - y0 : (scene.rowOff + 0.5 - y0) / dy - 0.5,
    rowScale: scene.rowScale / dy,
  };
}
