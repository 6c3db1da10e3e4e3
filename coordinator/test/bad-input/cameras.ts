// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatDimap3, formatGeom, formatRpb } from '@altiplano/kernels/testing';
import { formatRpcText, writeGeoTiff } from '@altiplano/kernels/raster';
import type { RpcModel } from '@altiplano/protocol';
import { type BadInput, type Section, camera, commandCase, side, texture, writeImage } from './world.js';

/** How each form's files are called and written; the tag is written by GDAL, which takes any number. */
interface Form { readonly title: string; readonly file: ((name: string) => string) | null; readonly format: (model: RpcModel) => string }
const tag: Form = { title: 'GeoTIFF tag', file: null, format: () => '' };
const text: Form = { title: '_RPC.TXT', file: (name) => `${name}_RPC.TXT`, format: formatRpcText };
const rpb: Form = { title: '.RPB', file: (name) => `${name}.RPB`, format: formatRpb };
const dimap: Form = { title: 'DIMAP 3', file: (name) => `RPC_${name}.XML`, format: (model) => formatDimap3(model, 0) };
const geom: Form = { title: '.geom', file: (name) => `${name}.geom`, format: formatGeom };
const forms = [tag, text, rpb, dimap, geom];

const replaced = (list: readonly number[], index: number, value: number): number[] => list.map((old, i) => (i === index ? value : old));

/** What may be wrong with numbers, in any form. */
const faults: readonly (readonly [what: string, (model: RpcModel) => RpcModel])[] = [
  ['NaN', (m) => ({ ...m, latScale: NaN })],
  ['infinite coefficient', (m) => ({ ...m, rowNum: replaced(m.rowNum, 3, Infinity) })],
  ['scale of 0', (m) => ({ ...m, lonScale: 0 })],
  ['denominators of 0', (m) => ({ ...m, colDen: m.colDen.map(() => 0) })],
  ['19 coefficients', (m) => ({ ...m, rowDen: m.rowDen.slice(0, 19) })],
  ['absurd offset', (m) => ({ ...m, colOff: 1e15 })],
];

/** Cameras that can't be used: their files go into the folder, each beside an image of its own. */
export function cameraCases(folder: string): Section {
  const model = camera(-0.25);
  const cases: BadInput[] = [];
  let number = 0;
  /** An image and its camera's file; `text`: instead of what the form writes. */
  const add = (what: string, form: Form, wrong: RpcModel, change: (all: string) => string = (all) => all): void => {
    const name = `camera-${number++}`;
    writeImage(folder, `${name}.tif`, { rpc: form.file === null ? wrong : null });
    if (form.file !== null) writeFileSync(join(folder, form.file(name)), change(form.format(wrong)));
    cases.push(commandCase(folder, `${form.title}: ${what}`, `plan left.tif ${name}.tif`));
  };
  for (const form of forms) for (const [what, spoil] of faults) add(what, form, spoil(model));
  for (const [form, field] of [[text, /LINE_OFF.*\n/], [rpb, /\tlineOffset.*\n/], [dimap, /<LINE_OFF>.*<\/LINE_OFF>/], [geom, /line_off.*\n/]] as const) {
    add('a field missing', form, model, (all) => all.replace(field, ''));
  }
  for (const form of [text, rpb, dimap, geom] as const) add('cut off', form, model, (all) => all.slice(0, all.length / 2));
  add('entities that grow', dimap, model, (all) => `<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]>${all}`);
  add('elements without end', dimap, model, () => '<a>'.repeat(10_000));
  add('more than a megabyte', text, model, (all) => all + ' '.repeat(2 ** 20));
  add('denominator of 0 at the centre', text, { ...model, rowDen: replaced(replaced(model.rowDen, 0, 0), 1, 0.1) });
  add('a pole within the image', text, { ...model, colDen: replaced(model.colDen, 1, 2) });
  add('latitude and longitude swapped, all of them', tag, {
    ...model, lonOff: model.latOff, latOff: model.lonOff, lonScale: model.latScale, latScale: model.lonScale,
    ...Object.fromEntries((['colNum', 'colDen', 'rowNum', 'rowDen'] as const).map((list) => [list, swappedAxes(model[list])])),
  });
  add('latitude and longitude swapped, off the Earth', text, { ...model, latOff: 133.2, lonOff: 0.5 });
  add('latitude and longitude swapped, the offsets only', tag, { ...model, lonOff: model.latOff, latOff: model.lonOff });
  add('lines and samples swapped', tag, {
    ...model, colOff: model.rowOff, rowOff: model.colOff, colScale: model.rowScale, rowScale: model.colScale,
    colNum: model.rowNum, rowNum: model.colNum, colDen: model.rowDen, rowDen: model.colDen,
  });
  add('heights of another place', tag, { ...model, altOff: 4000, altScale: 100 });
  writeGeoTiff(join(folder, 'no-camera.tif'), { width: side, height: side, bands: [{ data: texture(0) }] });
  cases.push(commandCase(folder, 'no RPC at all', 'plan left.tif no-camera.tif'));
  writeFileSync(join(folder, 'DIM_product.XML'), '<Dimap_Document><Component href="../../etc/RPC_passwd.XML"/></Dimap_Document>');
  cases.push(commandCase(folder, 'DIMAP: a product that names a file elsewhere', 'plan left.tif right.tif --rpc -,DIM_product.XML'));
  cases.push(commandCase(folder, 'an RPC file that is not there', 'plan left.tif right.tif --rpc -,gone.txt'));
  return { title: 'Cameras', text: 'In all forms that are read. A message names file and field as the file spells it.', cases };
}

/** Coefficients of a model whose L and P change places; order: 1, L, P, H, LP, LH, PH, L2, P2, H2, PLH, L3, LP2, LH2, L2P, P3, PH2, L2H, P2H, H3. */
function swappedAxes(list: readonly number[]): number[] {
  const from = [0, 2, 1, 3, 4, 6, 5, 8, 7, 9, 10, 15, 14, 16, 12, 11, 13, 18, 17, 19];
  return from.map((i) => list[i] ?? NaN);
}
