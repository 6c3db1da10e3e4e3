// SPDX-License-Identifier: Apache-2.0
import type { RpcModel } from '../../lib/types.js';
import { modelFromFields, rpc00bNames } from './rpc-fields.js';

/**
 * The model of GDAL's RPC metadata domain (also that of the GeoTIFF RPC tag): (0, 0) is the first pixel's
 * centre as here, coefficients in one text. Source: GDAL RFC 22; RPCs in GeoTIFF, Mercer et al. 2006.
 */
export function rpcFromGdalMetadata(file: string, metadata: Readonly<Record<string, string>>): RpcModel {
  return modelFromFields({
    file,
    names: rpc00bNames,
    number: (name) => metadata[name] ?? null,
    list: (name) => metadata[name]?.trim().split(/\s+/) ?? null,
  });
}

/** The RPC metadata domain for a model: the inverse of rpcFromGdalMetadata. */
export function rpcMetadataOf(model: RpcModel): Record<string, string> {
  const n = rpc00bNames;
  return {
    ERR_BIAS: '-1', ERR_RAND: '-1',  // unknown
    [n.rowOff]: text(model.rowOff), [n.colOff]: text(model.colOff),
    [n.latOff]: text(model.latOff), [n.lonOff]: text(model.lonOff), [n.altOff]: text(model.altOff),
    [n.rowScale]: text(model.rowScale), [n.colScale]: text(model.colScale),
    [n.latScale]: text(model.latScale), [n.lonScale]: text(model.lonScale), [n.altScale]: text(model.altScale),
    [n.rowNum]: model.rowNum.map(text).join(' '), [n.rowDen]: model.rowDen.map(text).join(' '),
    [n.colNum]: model.colNum.map(text).join(' '), [n.colDen]: model.colDen.map(text).join(' '),
  };
}

// The shortest decimal that reads back as the same number.
const text = (value: number): string => String(value);
