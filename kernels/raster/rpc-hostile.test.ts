// SPDX-License-Identifier: Apache-2.0
// Whatever a file of an RPC holds, its reader gives a model of finite numbers or throws an RpcError of a bearable length, and soon.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { rpcLocalize, rpcProject } from '../lib/rpc.js';
import type { RpcModel } from '../lib/types.js';
import { formatRpcText, readRpc, RpcError, writeGeoTiff } from './index.js';
import { dimapTile, parseDimapRpc, rpcFileOfDimap } from './rpc-readers/dimap.js';
import { rpcFromGdalMetadata, rpcMetadataOf } from './rpc-readers/gdal-metadata.js';
import { parseGeom } from './rpc-readers/geom.js';
import { parseRpb } from './rpc-readers/rpb.js';
import { parseRpcText } from './rpc-readers/rpc-text.js';
import { sampleModel, temporaryFolder } from '../test/reference-data.js';
import { formatDimap3, formatGeom, formatRpb } from '../test/rpc-writers.js';

const seed = 20_261_123;
const metadataText = JSON.stringify(rpcMetadataOf(sampleModel));
const parsers: readonly (readonly [name: string, parse: (text: string) => unknown, valid: string])[] = [
  ['_RPC.TXT', (text) => parseRpcText('f', text), formatRpcText(sampleModel)],
  ['.RPB', (text) => parseRpb('f', text), formatRpb(sampleModel)],
  ['.geom', (text) => parseGeom('f', text), formatGeom(sampleModel)],
  ['DIMAP', (text) => parseDimapRpc('f', text).model, formatDimap3(sampleModel, 1)],
  ['the metadata of a GeoTIFF tag', (text) => rpcFromGdalMetadata('f', metadataOf(text)), metadataText],
  ['the tiling of a DIMAP product', (text) => dimapTile('f', text, 2, 3), '<D><NTILES_SIZE nrows="30" ncols="40"/><OVERLAP_COL>0</OVERLAP_COL></D>'],
  ['the RPC file a DIMAP product names', (text) => rpcFileOfDimap('f', text), '<D><C href="RPC_A.XML"/></D>'],
];

function metadataOf(text: string): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(JSON.parse(text) as object).map(([key, value]) => [key, String(value)]));
  } catch {
    return { LINE_OFF: text };
  }
}

const isModel = (value: unknown): value is RpcModel => typeof value === 'object' && value !== null && 'colNum' in value;

function parsesOrRefuses(parse: () => unknown): void {
  let parsed: unknown;
  try {
    parsed = parse();
  } catch (error) {
    if (error instanceof RpcError && error.message.length < 1000) return;
    throw error;
  }
  if (!isModel(parsed)) return;
  const numbers = Object.values(parsed).flat();
  if (numbers.length !== 90 || !numbers.every(Number.isFinite)) throw new Error(`not finite: ${numbers.join()}`);
  // A model that got through gives pixels and ground, or NaN.
  const { lonOff, latOff, altOff, colOff, rowOff } = parsed;
  for (const [value] of [rpcProject(parsed, Float64Array.of(lonOff + 0.001, latOff, altOff)), rpcLocalize(parsed, Float64Array.of(colOff + 10, rowOff, altOff))]) {
    if (value === Infinity || value === -Infinity) throw new Error('infinite');
  }
}

const pieces = fc.constantFrom('NaN', '-inf', '1e999', '0', '-0', '1e-320', '\0', '(', ')', '<', '>', '"', ';', ':', '=', '&a;', '\n', '\r', ' '.repeat(50), '9'.repeat(400), '\ud800', '\u{1f5fb}', '__proto__', '../');

for (const [name, parse, valid] of parsers) {
  test(`${name}: any text is parsed or refused`, (t) => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => { parsesOrRefuses(() => parse(text)); }), { seed, numRuns: 500 });
    t.pass();
  });

  test(`${name}: a valid text with pieces changed, put in and cut off is parsed or refused`, (t) => {
    const change = fc.tuple(fc.nat(valid.length), fc.nat(20), pieces);
    fc.assert(fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.option(fc.nat(valid.length), { freq: 5 }), (changes, cut) => {
      let text = valid;
      for (const [at, length, piece] of changes) text = text.slice(0, at) + piece + text.slice(at + length);
      parsesOrRefuses(() => parse(cut === null ? text : text.slice(0, cut)));
    }), { seed, numRuns: 1000 });
    t.pass();
  });

  // A bound far above what it takes (20 to 100 ms) and far below what a pattern that goes back and forth would.
  test(`${name}: a megabyte of its own marks is refused within seconds`, (t) => {
    const started = performance.now();
    for (const mark of ['a = (\n', '(', ' ', '\n', 'a\n', 'a:', '<a>', '<', 'href="', 'RPC_', '&', '1 ', 'LINE_OFF: ', '\t']) {
      parsesOrRefuses(() => parse(mark.repeat(2 ** 20 / mark.length)));
      parsesOrRefuses(() => parse(`LINE_OFF:${mark.repeat(2 ** 20 / mark.length)}x`));
    }
    t.true(performance.now() - started < 60_000);
  });
}

function image(t: ExecutionContext, name: string, files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'product'));
  const path = join(folder, 'product', name);
  writeGeoTiff(path, { width: 4, height: 3, bands: [{ data: new Uint8Array(12) }] });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, 'product', file), text);
  return path;
}

test('a product names its RPC file in its own folder, or none', (t) => {
  const product = (href: string): string => `<Dimap_Document><Component href="${href}"/></Dimap_Document>`;
  const rpc = formatDimap3(sampleModel, 0);
  for (const href of ['../RPC_X.XML', '/etc/RPC_X.XML', 'file:///etc/RPC_X.XML', 'a/../../RPC_X.XML', '..\\RPC_X.XML', 'C:RPC_X.XML']) {
    t.is(rpcFileOfDimap('DIM', product(href)), null, href);
  }
  t.is(rpcFileOfDimap('DIM', product('sub/RPC_X.XML')), 'sub/RPC_X.XML');
  const path = image(t, 'IMG_A_R1C1.TIF', { 'DIM_A.XML': product('RPC_OTHER.XML'), 'RPC_OTHER.XML': rpc });
  t.is(readRpc(path).variant, 'dimap-v3');
});

test('a file of another kind and size is not read as text', (t) => {
  const path = image(t, 'a.tif', { 'a_RPC.TXT': 'x'.repeat(2 ** 20 + 1) });
  t.throws(() => readRpc(path), { instanceOf: RpcError, message: /a_RPC\.TXT: can't be read \(it has 1048577 bytes, and at most 1048576 are read\)/ });
});
