// SPDX-License-Identifier: Apache-2.0
// What tests share: temporary folders, reference values, and a camera.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { RpcModel } from '../lib/types.js';
import { parseRpcText } from '../raster/rpc-readers/rpc-text.js';
import { dataPath } from './data-folder.js';

/** A folder that is deleted when the test ends. */
export function temporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'altiplano-raster-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The path of a reference file, or null where the data isn't on this machine: then the test passes, and says what it skipped. */
export function referenceData(t: ExecutionContext, name: string): string | null {
  const path = dataPath(t.log, name);
  if (path === null) t.pass();
  return path;
}

/** The rows of a CSV as records of its header's names. */
export function readCsv(path: string): Record<string, string>[] {
  const [header = '', ...lines] = readFileSync(path, 'utf8').trim().split(/\r?\n/);
  const names = header.split(',');
  return lines.map((line) => {
    const values = line.split(',');
    return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
  });
}

/** The model in a `_RPC.TXT` without its image. */
export const rpcOfTxt = (path: string): RpcModel => parseRpcText(path, readFileSync(path, 'utf8'));

/** A pushbroom-like camera over 600 x 500 pixels of half a metre near 31 E, 30 N. */
export const sampleModel: RpcModel = {
  lonOff: 31.0012345678901, lonScale: 0.0031, latOff: 29.98765432109, latScale: 0.0027, altOff: 120.5, altScale: 200,
  colOff: 299.5, colScale: 300.25, rowOff: 249.5, rowScale: 250.75,
  colNum: coefficients(1, { 1: 1.001, 2: 0.0123, 3: -0.021 }), colDen: coefficients(2, { 0: 1 }),
  rowNum: coefficients(3, { 1: 0.0211, 2: -0.998, 3: 0.153 }), rowDen: coefficients(4, { 0: 1 }),
};

function coefficients(seed: number, main: Readonly<Record<number, number>>): number[] {
  return Array.from({ length: 20 }, (_, i) => main[i] ?? Math.sin(seed * 17 + i * 3) * 10 ** (i < 4 ? -4 : i < 11 ? -6 : -8));
}
