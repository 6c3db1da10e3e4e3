// SPDX-License-Identifier: Apache-2.0
import type { RpcModel } from '../../lib/types.js';
import { modelFromFields, rpc00bNames } from './rpc-fields.js';

/**
 * Parses the text of a `_RPC.TXT` / `_rpc.txt`: lines `LINE_OFF: 1821.5 pixels` … `SAMP_DEN_COEFF_20: …`,
 * in any order and case, (0, 0) the first pixel's centre as here. Throws RpcError.
 */
export function parseRpcText(file: string, text: string): RpcModel {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(\w+)\s*[:=](.*)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) fields.set(match[1].toUpperCase(), match[2].trim());
  }
  return modelFromFields({
    file,
    names: rpc00bNames,
    number: (name) => fields.get(name) ?? null,
    list: (name) => numbered(name, (key) => fields.get(key) ?? null, 1),
  });
}

/** The values of `name_1` … `name_20` (or from `name_00` on); null when there is none at all. */
export function numbered(name: string, get: (key: string) => string | null, from: 0 | 1): string[] | null {
  const values: string[] = [];
  for (let index = from; index < from + 20; index++) {
    const value = get(`${name}_${from === 0 ? String(index).padStart(2, '0') : index}`);
    if (value !== null) values.push(value);
  }
  return values.length === 0 ? null : values;
}

/** Formats a model as `_RPC.TXT`; numbers read back as the same bits. */
export function formatRpcText(model: RpcModel): string {
  const n = rpc00bNames;
  const lines = [
    `${n.rowOff}: ${model.rowOff} pixels`, `${n.colOff}: ${model.colOff} pixels`,
    `${n.latOff}: ${model.latOff} degrees`, `${n.lonOff}: ${model.lonOff} degrees`, `${n.altOff}: ${model.altOff} meters`,
    `${n.rowScale}: ${model.rowScale} pixels`, `${n.colScale}: ${model.colScale} pixels`,
    `${n.latScale}: ${model.latScale} degrees`, `${n.lonScale}: ${model.lonScale} degrees`, `${n.altScale}: ${model.altScale} meters`,
  ];
  for (const [name, values] of [[n.rowNum, model.rowNum], [n.rowDen, model.rowDen], [n.colNum, model.colNum], [n.colDen, model.colDen]] as const) {
    values.forEach((value, index) => lines.push(`${name}_${index + 1}: ${value}`));
  }
  return lines.join('\n') + '\n';
}
