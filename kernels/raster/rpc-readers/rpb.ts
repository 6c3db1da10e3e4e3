// SPDX-License-Identifier: Apache-2.0
import type { RpcModel } from '../../lib/types.js';
import { RpcError } from '../errors.js';
import { modelFromFields, type RpcFieldNames } from './rpc-fields.js';

const rpbNames: RpcFieldNames = {
  lonOff: 'longOffset', lonScale: 'longScale', latOff: 'latOffset', latScale: 'latScale',
  altOff: 'heightOffset', altScale: 'heightScale', colOff: 'sampOffset', colScale: 'sampScale',
  rowOff: 'lineOffset', rowScale: 'lineScale', colNum: 'sampNumCoef', colDen: 'sampDenCoef',
  rowNum: 'lineNumCoef', rowDen: 'lineDenCoef',
};

/**
 * Parses DigitalGlobe's `.RPB`: statements `name = value;` and `name = ( a, b, … );` in nested groups,
 * (0, 0) the first pixel's centre as here. Throws RpcError. Source: DigitalGlobe, Imagery Support Data, 2006.
 */
export function parseRpb(file: string, text: string): RpcModel {
  const spec = /^[ \t]*SpecId[ \t]*=[ \t]*"?(\w+)"?/m.exec(text)?.[1];
  if (spec !== undefined && spec !== 'RPC00B') {
    throw new RpcError(file, 'SpecId', `is ${spec}: only RPC00B is supported`);
  }
  const fields = new Map<string, string>();
  // A list may span lines; anything else ends with its line, with or without a semicolon. Bounded, or open brackets would cost their square.
  for (const match of text.matchAll(/^[ \t]*(\w+)[ \t]*=\s*(\([^)]{0,2000}\)|[^\r\n;]*)/gm)) {
    if (match[1] !== undefined && match[2] !== undefined) fields.set(match[1], match[2].trim());
  }
  return modelFromFields({
    file,
    names: rpbNames,
    number: (name) => fields.get(name) ?? null,
    list: (name) => {
      const value = fields.get(name);
      return value === undefined ? null : value.replace(/^\(|\)$/g, '').split(',').map((one) => one.trim());
    },
  });
}
