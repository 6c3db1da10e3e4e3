// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import type { RpcModel } from '../lib/types.js';

/** The fields of a `_RPC.TXT` as they stand. */
export function rpcOfTxt(path: string): RpcModel {
  const fields = new Map(
    [...readFileSync(path, 'utf8').matchAll(/^(\w+):\s*(\S+)/gm)].map(([, key, value]) => [key, Number(value)]),
  );
  const number = (key: string): number => fields.get(key) ?? Number.NaN;
  const twenty = (key: string): number[] => Array.from({ length: 20 }, (_, k) => number(`${key}_COEFF_${k + 1}`));
  return {
    lonOff: number('LONG_OFF'),
    lonScale: number('LONG_SCALE'),
    latOff: number('LAT_OFF'),
    latScale: number('LAT_SCALE'),
    altOff: number('HEIGHT_OFF'),
    altScale: number('HEIGHT_SCALE'),
    colOff: number('SAMP_OFF'),
    colScale: number('SAMP_SCALE'),
    rowOff: number('LINE_OFF'),
    rowScale: number('LINE_SCALE'),
    colNum: twenty('SAMP_NUM'),
    colDen: twenty('SAMP_DEN'),
    rowNum: twenty('LINE_NUM'),
    rowDen: twenty('LINE_DEN'),
  };
}

/** A CSV's rows by its header's names. */
export function rowsOfCsv(path: string): ReadonlyMap<string, string>[] {
  const [header = '', ...lines] = readFileSync(path, 'utf8').trim().split(/\r?\n/);
  const names = header.split(',');
  return lines.map((line) => new Map(line.split(',').map((value, k) => [names[k] ?? '', value])));
}
