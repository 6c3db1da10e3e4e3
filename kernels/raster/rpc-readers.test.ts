// SPDX-License-Identifier: Apache-2.0
// Values: data/rpc_reference and data/gizeh (shareloc, GDAL and an independent evaluation agree to 1e-6 px).
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { rpcLocalize, rpcProject } from '../lib/rpc.js';
import type { RpcModel } from '../lib/types.js';
import { formatRpcText, openInfo, readRpc, RpcError, writeGeoTiff } from './index.js';
import { dimapTile, parseDimapRpc } from './rpc-readers/dimap.js';
import { rpcFromGdalMetadata } from './rpc-readers/gdal-metadata.js';
import { parseGeom } from './rpc-readers/geom.js';
import { parseRpb } from './rpc-readers/rpb.js';
import { parseRpcText } from './rpc-readers/rpc-text.js';
import { readCsv, referenceData, sampleModel, temporaryFolder } from '../test/reference-data.js';
import { formatDimap3, formatGeom, formatRpb } from '../test/rpc-writers.js';

type Rows = readonly Readonly<Record<string, string>>[];

/**
 * Asserts that the model agrees with reference rows both ways: 1e-6 px per axis to the image (what the rows are good to),
 * 1e-10 degrees (10 um) to the ground.
 */
function agrees(t: ExecutionContext, model: RpcModel, rows: Rows): void {
  t.true(rows.length > 0);
  for (const row of rows) {
    const [col, line, lon, lat, alt] = ['col_centre', 'row_centre', 'lon_deg', 'lat_deg', 'alt_m'].map((name) => Number(row[name]));
    const pixel = rpcProject(model, Float64Array.of(lon ?? NaN, lat ?? NaN, alt ?? NaN));
    t.true(Math.max(Math.abs((pixel[0] ?? NaN) - (col ?? NaN)), Math.abs((pixel[1] ?? NaN) - (line ?? NaN))) < 1e-6, `${pixel.join()} is not ${col},${line}`);
    const ground = rpcLocalize(model, Float64Array.of(col ?? NaN, line ?? NaN, alt ?? NaN));
    t.true(Math.hypot((ground[0] ?? NaN) - (lon ?? NaN), (ground[1] ?? NaN) - (lat ?? NaN)) < 1e-10);
  }
}

const scenes = [
  'PHR1B_P_201709281038045_SEN_PRG_FC_178608-001', 'PHR1B_P_201709281038393_SEN_PRG_FC_178609-001',
  'PHR1A_P_202503191043438_SEN_7342362101-1', 'wv3_20', 'wv3_30',
];
const withGeom = scenes.slice(0, 2);
const withXml = scenes.slice(0, 3);

function referenceRows(t: ExecutionContext, scene: string): Rows | null {
  const path = referenceData(t, 'rpc_reference/localisation.csv');
  return path === null ? null : readCsv(path).filter((row) => row['model'] === scene);
}

for (const scene of scenes) {
  test(`_RPC.TXT of ${scene} localizes as the reference`, (t) => {
    const path = referenceData(t, `rpc_reference/${scene}_RPC.TXT`);
    const rows = referenceRows(t, scene);
    if (path !== null && rows !== null) agrees(t, parseRpcText(path, readFileSync(path, 'utf8')), rows);
  });

  test(`the GeoTIFF tag written for ${scene} localizes as the reference`, (t) => {
    const path = referenceData(t, `rpc_reference/${scene}_RPC.TXT`);
    const rows = referenceRows(t, scene);
    if (path === null || rows === null) return;
    const image = join(temporaryFolder(t), 'tagged.tif');
    writeGeoTiff(image, { width: 4, height: 3, bands: [{ data: new Uint8Array(12) }], rpc: parseRpcText(path, readFileSync(path, 'utf8')) });
    const { model, variant, source } = readRpc(image);
    t.is(variant, 'geotiff-tag');
    t.is(source, image);
    agrees(t, model, rows);
  });

  test(`.RPB written for ${scene} localizes as the reference`, (t) => {
    const path = referenceData(t, `rpc_reference/${scene}_RPC.TXT`);
    const rows = referenceRows(t, scene);
    if (path === null || rows === null) return;
    const model = parseRpb('made.RPB', formatRpb(parseRpcText(path, readFileSync(path, 'utf8'))));
    agrees(t, model, rows);
  });
}

for (const scene of withGeom) {
  test(`.geom of ${scene} localizes as the reference`, (t) => {
    const path = referenceData(t, `rpc_reference/${scene}.geom`);
    const rows = referenceRows(t, scene);
    if (path !== null && rows !== null) agrees(t, parseGeom(path, readFileSync(path, 'utf8')), rows);
  });
}

for (const scene of withXml) {
  test(`DIMAP version 2 of ${scene} localizes as the reference`, (t) => {
    const path = referenceData(t, `rpc_reference/RPC_${scene}.XML`);
    const rows = referenceRows(t, scene);
    if (path === null || rows === null) return;
    const { model, variant } = parseDimapRpc(path, readFileSync(path, 'utf8'));
    t.is(variant, 'dimap-v2');
    agrees(t, model, rows);
  });
}

test('the two values shareloc publishes come out within its 0.01 px', (t) => {
  const path = referenceData(t, 'rpc_reference/shareloc_test_constants.csv');
  if (path === null) return;
  for (const row of readCsv(path)) {
    const xml = referenceData(t, `rpc_reference/RPC_${row['model']}.XML`);
    if (xml === null) return;
    const pixel = rpcProject(parseDimapRpc(xml, readFileSync(xml, 'utf8')).model,
      Float64Array.of(Number(row['lon_deg']), Number(row['lat_deg']), Number(row['alt_m'])));
    t.true(Math.abs((pixel[0] ?? NaN) - Number(row['col_centre'])) < 0.01);
    t.true(Math.abs((pixel[1] ?? NaN) - Number(row['row_centre'])) < 0.01);
  }
});

for (const name of ['img1', 'img2']) {
  test(`gizeh ${name}: _RPC.TXT, and .geom with the crop's origin, are one camera and localize as the reference`, (t) => {
    const image = referenceData(t, `gizeh/${name}.tif`);
    const csv = referenceData(t, 'gizeh/localisation.csv');
    const geom = referenceData(t, `gizeh/${name}.geom`);
    if (image === null || csv === null || geom === null) return;
    const rows = readCsv(csv).filter((row) => row['image'] === `${name}.tif`);
    const beside = readRpc(image);
    t.is(beside.variant, 'rpc-txt');
    agrees(t, beside.model, rows);
    const shifted = readRpc(image, { rpcPath: geom });
    t.is(shifted.variant, 'geom');
    agrees(t, shifted.model, rows);
    t.deepEqual(shifted.model, beside.model);
  });
}

test('the oddly normalised tag of s2p_pair is read as it stands', (t) => {
  const image = referenceData(t, 's2p_pair/img_01.tif');
  if (image === null) return;
  const { model, variant } = readRpc(image);
  t.is(variant, 'geotiff-tag');
  t.is(model.rowOff, 19403.5);
  t.is(model.rowNum[0], -37.284870906);
});

test('the tag holds the offsets unchanged: its (0, 0) is the centre of the first pixel', (t) => {
  const image = join(temporaryFolder(t), 'tagged.tif');
  writeGeoTiff(image, { width: 4, height: 3, bands: [{ data: new Uint8Array(12) }], rpc: sampleModel });
  // RPCs in GeoTIFF (Mercer et al.): doubles of tag 50844 begin ERR_BIAS, ERR_RAND, LINE_OFF, SAMP_OFF, LAT_OFF, LONG_OFF.
  const tag = tiffDoubles(readFileSync(image), 50844);
  t.is(tag.length, 92);
  t.deepEqual(tag.slice(2, 6), [sampleModel.rowOff, sampleModel.colOff, sampleModel.latOff, sampleModel.lonOff]);
  t.deepEqual(tag.slice(12, 32), [...sampleModel.rowNum]);
});

/** The doubles of a tag of a little-endian classic TIFF's first directory. */
function tiffDoubles(file: Buffer, wanted: number): number[] {
  const directory = file.readUInt32LE(4);
  for (let i = 0; i < file.readUInt16LE(directory); i++) {
    const entry = directory + 2 + 12 * i;
    if (file.readUInt16LE(entry) !== wanted) continue;
    const offset = file.readUInt32LE(entry + 8);
    return Array.from({ length: file.readUInt32LE(entry + 4) }, (_, k) => file.readDoubleLE(offset + 8 * k));
  }
  return [];
}

const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e4, max: 1e4 });
const scale = fc.double({ noNaN: true, min: 1e-6, max: 180 });
const twenty = fc.array(number, { minLength: 20, maxLength: 20 });
const denominator = twenty.map((values) => [1, ...values.slice(1)]);
const models: fc.Arbitrary<RpcModel> = fc.record({
  lonOff: fc.double({ noNaN: true, min: -180, max: 180 }), lonScale: scale,
  latOff: fc.double({ noNaN: true, min: -90, max: 90 }), latScale: scale,
  altOff: number, altScale: scale, colOff: number, colScale: scale, rowOff: number, rowScale: scale,
  colNum: twenty, colDen: denominator, rowNum: twenty, rowDen: denominator,
});
/** JSON makes -0 and 0 the same. */
const same = (t: ExecutionContext, a: RpcModel, b: RpcModel): unknown => t.is(JSON.stringify(sorted(a)), JSON.stringify(sorted(b)));
const sorted = (model: RpcModel): unknown => Object.fromEntries(Object.entries(model).sort(([a], [b]) => (a < b ? -1 : 1)));

test('parse(format(model)) = model for _RPC.TXT and .RPB', (t) => {
  fc.assert(fc.property(models, (model) => {
    same(t, parseRpcText('x', formatRpcText(model)), model);
    same(t, parseRpb('x', formatRpb(model)), model);
  }), { numRuns: 50 });
});

test('DIMAP version 3 counts from FIRST_COL and FIRST_ROW, which are 0 in real products', (t) => {
  const zero = parseDimapRpc('x.XML', formatDimap3(sampleModel, 0));
  t.is(zero.variant, 'dimap-v3');
  same(t, zero.model, sampleModel);
  same(t, parseDimapRpc('x.XML', formatDimap3(sampleModel, null)).model, sampleModel);
  const one = parseDimapRpc('x.XML', formatDimap3(sampleModel, 1)).model;
  t.is(one.colOff, sampleModel.colOff - 1);
  t.is(one.rowOff, sampleModel.rowOff - 1);
});

test('DIMAP version 3 made readable for version 2 tools by renamed elements still counts from 0', (t) => {
  const renamed = formatDimap3(sampleModel, 0).replaceAll('GroundtoImage_Values', 'Inverse_Model').replaceAll('ImagetoGround', 'Direct_Model');
  same(t, parseDimapRpc('x.XML', renamed).model, sampleModel);
});

test('an RPC file beside the image counts before the tag, the tag before a .geom, and rpcPath before all', (t) => {
  const folder = temporaryFolder(t);
  const image = join(folder, 'a.tif');
  const at = (colOff: number): RpcModel => ({ ...sampleModel, colOff });
  writeGeoTiff(image, { width: 4, height: 3, bands: [{ data: new Uint8Array(12) }], rpc: at(1) });
  writeFileSync(join(folder, 'a.geom'), formatGeom(at(2)));
  t.is(readRpc(image).model.colOff, 1);
  writeFileSync(join(folder, 'RPC_a.XML'), formatDimap3(at(3), 0));
  t.like(readRpc(image), { variant: 'dimap-v3', model: { colOff: 3 } });
  writeFileSync(join(folder, 'a_rpc.txt'), formatRpcText(at(4)));
  t.like(readRpc(image), { variant: 'rpc-txt', model: { colOff: 4 }, source: join(folder, 'a_rpc.txt') });
  writeFileSync(join(folder, 'a.RPB'), formatRpb(at(5)));
  t.like(readRpc(image), { variant: 'rpb', model: { colOff: 5 } });
  const elsewhere = join(folder, 'refined.TXT');
  writeFileSync(elsewhere, formatRpcText(at(6)));
  t.like(readRpc(image, { rpcPath: elsewhere }), { variant: 'rpc-txt', model: { colOff: 6 }, source: elsewhere });
  t.like(readRpc(image, { rpcPath: join(folder, 'a.geom') }), { variant: 'geom', model: { colOff: 2 } });
});

test('a .geom is shifted by a geotransform without CRS, and only then; other forms never are', (t) => {
  const folder = temporaryFolder(t);
  const write = (name: string, geotransform?: readonly number[], crs?: string): string => {
    const path = join(folder, `${name}.tif`);
    writeGeoTiff(path, {
      width: 4, height: 3, bands: [{ data: new Uint8Array(12) }],
      ...(geotransform === undefined ? {} : { geotransform }), ...(crs === undefined ? {} : { crs }),
    });
    writeFileSync(join(folder, `${name}.geom`), formatGeom(sampleModel));
    return path;
  };
  same(t, readRpc(write('whole')).model, sampleModel);
  same(t, readRpc(write('map', [300000, 0.5, 0, 3300000, 0, -0.5], 'EPSG:32636')).model, sampleModel);
  const crop = write('crop', [100, 1, 0, 200, 0, 1]);
  same(t, readRpc(crop).model, { ...sampleModel, colOff: sampleModel.colOff - 100, rowOff: sampleModel.rowOff - 200 });
  // Every second pixel from scene corner (10, 20): crop pixel 0 covers scene pixels 10 and 11, its centre is 10.5.
  const half = readRpc(write('half', [10, 2, 0, 20, 0, 2])).model;
  const ground = [31.0003, 29.9871, 77] as const;
  const [sceneCol = NaN, sceneRow = NaN] = rpcProject(sampleModel, Float64Array.from(ground));
  const [col = NaN, row = NaN] = rpcProject(half, Float64Array.from(ground));
  t.true(Math.abs(10 + 2 * col + 0.5 - sceneCol) < 1e-9);
  t.true(Math.abs(20 + 2 * row + 0.5 - sceneRow) < 1e-9);
  writeFileSync(join(folder, 'crop_RPC.TXT'), formatRpcText(sampleModel));
  same(t, readRpc(crop).model, sampleModel);
  t.throws(() => readRpc(write('turned', [10, 0, 1, 20, 1, 0])), { instanceOf: RpcError, message: /geotransform is \[10, 0, 1, 20, 1, 0\]/ });
});

test('a tag beside a crop geotransform without CRS belongs to the pixels of the file, and the reading says so', (t) => {
  const image = join(temporaryFolder(t), 'a.tif');
  writeGeoTiff(image, { width: 4, height: 3, bands: [{ data: new Uint8Array(12) }], rpc: sampleModel, geotransform: [100, 1, 0, 200, 0, 1] });
  const { model, note } = readRpc(image);
  t.is(model.colOff, sampleModel.colOff);
  t.regex(note ?? '', /as GDAL does/);
});

test('a tile of a DIMAP product gets the product\'s RPC shifted to its place, the product itself unshifted', (t) => {
  const folder = temporaryFolder(t);
  for (const name of ['IMG_X_P_R1C1.TIF', 'IMG_X_P_R2C3.TIF']) {
    writeGeoTiff(join(folder, name), { width: 40, height: 30, bands: [{ data: new Uint16Array(1200) }] });
  }
  writeFileSync(join(folder, 'RPC_X_P.XML'), formatDimap3(sampleModel, 0));
  t.throws(() => readRpc(join(folder, 'IMG_X_P_R2C3.TIF')), { instanceOf: RpcError, message: /DIM_\*\.XML/ });
  writeFileSync(join(folder, 'DIM_X.XML'), '<Dimap_Document><Geoposition href="RPC_X_P.XML"/><NTILES_SIZE nrows="30" ncols="40"/><OVERLAP_COL>0</OVERLAP_COL></Dimap_Document>');
  t.is(readRpc(join(folder, 'IMG_X_P_R1C1.TIF')).model.colOff, sampleModel.colOff);
  const tile = readRpc(join(folder, 'IMG_X_P_R2C3.TIF'));
  t.is(tile.model.colOff, sampleModel.colOff - 80);
  t.is(tile.model.rowOff, sampleModel.rowOff - 30);
  t.regex(tile.note ?? '', /column 80, row 30/);
  t.throws(() => dimapTile('DIM', '<D><NTILES_SIZE nrows="30" ncols="40"/><OVERLAP_COL>4</OVERLAP_COL></D>', 1, 2), { instanceOf: RpcError });
});

test('a DIMAP product finds its RPC through its DIM_*.XML', (t) => {
  const source = referenceData(t, `rpc_reference/RPC_${scenes[0]}.XML`);
  if (source === null) return;
  const folder = temporaryFolder(t);
  copyFileSync(source, join(folder, 'RPC_OTHER_NAME.XML'));
  const image = join(folder, 'IMG_A_R1C1.TIF');
  writeGeoTiff(image, { width: 4, height: 3, bands: [{ data: new Uint8Array(12) }] });
  writeFileSync(join(folder, 'DIM_A.XML'), '<Dimap_Document><Component_Path href="RPC_OTHER_NAME.XML"/></Dimap_Document>');
  t.like(readRpc(image), { variant: 'dimap-v2', source: join(folder, 'RPC_OTHER_NAME.XML') });
  t.like(readRpc(image, { rpcPath: join(folder, 'DIM_A.XML') }), { variant: 'dimap-v2', source: join(folder, 'RPC_OTHER_NAME.XML') });
});

test("GDAL's own readers of .RPB, _RPC.TXT and both versions of DIMAP place the model on the same pixels", (t) => {
  const folder = temporaryFolder(t);
  const image = (name: string): string => {
    const path = join(folder, name);
    writeGeoTiff(path, { width: 4, height: 3, bands: [{ data: new Uint8Array(12) }] });
    return path;
  };
  const product = 'PHR1B_P_201709281038045_SEN_1_001';
  const version2 = formatDimap3(sampleModel, 1).replaceAll('GroundtoImage_Values', 'Inverse_Model').replaceAll('ImagetoGround', 'Direct_Model')
    .replace('version="3.0"', 'version="2.15"');
  const cases = [
    ['a.tif', 'a.RPB', formatRpb(sampleModel), 'rpb'], ['b.tif', 'b_RPC.TXT', formatRpcText(sampleModel), 'rpc-txt'],
    [`IMG_${product}_R1C1.TIF`, `RPC_${product}.XML`, version2, 'dimap-v2'],
    [`IMG_${product}3_R1C1.TIF`, `RPC_${product}3.XML`, formatDimap3(sampleModel, 0), 'dimap-v3'],
  ] as const;
  for (const [name, sidecar, content, variant] of cases) {
    writeFileSync(join(folder, sidecar), content);
    const path = image(name);
    const ours = readRpc(path);
    t.is(ours.variant, variant);
    const gdals = rpcFromGdalMetadata(path, openInfo(path).rpcMetadata ?? {});
    const ground = Float64Array.of(31.0003, 29.9871, 77);
    const [a = NaN, b = NaN] = rpcProject(ours.model, ground);
    const [c = NaN, d = NaN] = rpcProject(gdals, ground);
    t.true(Math.hypot(a - c, b - d) < 1e-6, `${name}: ${a}, ${b} is not ${c}, ${d}`);
  }
});

const text = formatRpcText(sampleModel);
const broken: readonly (readonly [string, () => unknown, RegExp])[] = [
  ['a missing offset', () => parseRpcText('f', text.replace(/LINE_OFF.*\n/, '')), /^f: LINE_OFF is missing/],
  ['NaN', () => parseRpcText('f', text.replace(/LAT_SCALE: \S+/, 'LAT_SCALE: nan')), /^f: LAT_SCALE is 'nan degrees', not a finite number/],
  ['an empty value', () => parseRpcText('f', text.replace(/SAMP_OFF: .*/, 'SAMP_OFF:')), /^f: SAMP_OFF is ''/],
  ['a NaN coefficient', () => parseRpcText('f', text.replace(/SAMP_NUM_COEFF_7: .*/, 'SAMP_NUM_COEFF_7: NaN')), /SAMP_NUM_COEFF_7/],
  ['nineteen coefficients', () => parseRpcText('f', text.replace(/LINE_DEN_COEFF_20.*\n/, '')), /LINE_DEN_COEFF has 19 coefficients instead of 20/],
  ['no coefficients', () => parseRpcText('f', text.replace(/LINE_DEN_COEFF.*\n/g, '')), /LINE_DEN_COEFF is missing/],
  ['a scale of zero', () => parseRpcText('f', text.replace(/LINE_SCALE: \S+/, 'LINE_SCALE: 0')), /LINE_SCALE is 0/],
  ['denominators of zero', () => parseRpcText('f', text.replace(/(SAMP_DEN_COEFF_\d+): .*/g, '$1: 0')), /SAMP_DEN_COEFF is all zero/],
  ['a latitude off the Earth', () => parseRpcText('f', text.replace(/LAT_OFF: \S+/, 'LAT_OFF: 3318000')), /LAT_OFF is 3318000, but must be degrees within \+-90; are latitude and longitude swapped\?/],
  ['a denominator that is zero at the centre', () => parseRpcText('f', text.replace(/LINE_DEN_COEFF_1: .*/, 'LINE_DEN_COEFF_1: 0')), /LINE_DEN_COEFF_1 is 0, so the model has no value/],
  ['an infinite offset', () => parseRpcText('f', text.replace(/SAMP_OFF: \S+/, 'SAMP_OFF: 1e999')), /SAMP_OFF is '1e999 pixels', not a finite number/],
  ['an absurd offset', () => parseRpcText('f', text.replace(/SAMP_OFF: \S+/, 'SAMP_OFF: 1e12')), /SAMP_OFF is 1000000000000, but must be pixels within/],
  ['an absurd height', () => parseRpcText('f', text.replace(/HEIGHT_OFF: \S+/, 'HEIGHT_OFF: 1e7')), /HEIGHT_OFF is 10000000, but must be metres within/],
  ['a scale that is none', () => parseRpcText('f', text.replace(/LONG_SCALE: \S+/, 'LONG_SCALE: 1e-300')), /LONG_SCALE is 1e-300, but no image has a scale beyond/],
  ['a megabyte for a number', () => parseRpcText('f', text.replace(/SAMP_OFF: .*/, `SAMP_OFF: ${'9'.repeat(1e6)}x`)), /^f: SAMP_OFF is '9{40}\.\.\.', not a finite number/],
  ['entities that grow', () => parseDimapRpc('f', `<!DOCTYPE a [<!ENTITY a "x">]>${formatDimap3(sampleModel, 0)}`), /^f: declares a document type/],
  ['elements in elements without end', () => parseDimapRpc('f', '<a>'.repeat(50_000)), /^f: is not well-formed XML/],
  ['a text that is no RPC', () => parseRpcText('f', 'hello'), /^f: LONG_OFF is missing/],
  ['an RPB of the other order', () => parseRpb('f', 'SpecId = "RPC00A";'), /SpecId is RPC00A/],
  ['an RPB list cut short', () => parseRpb('f', formatRpb(sampleModel).replace(/lineNumCoef = \(\s*[^,]*,/, 'lineNumCoef = (')), /lineNumCoef has 19/],
  ['a .geom of the other order', () => parseGeom('f', 'polynomial_format:  A'), /polynomial_format is 'A'/],
  ['a .geom without a key', () => parseGeom('f', formatGeom(sampleModel).replace(/height_scale.*\n/, '')), /^f: height_scale is missing/],
  ['XML that is none', () => parseDimapRpc('f', '<a><b></a>'), /^f: is not well-formed XML/],
  ['XML without an RPC', () => parseDimapRpc('f', '<Dimap_Document/>'), /Rational_Function_Model is missing/],
  ['DIMAP without the ground-to-image model', () => parseDimapRpc('f', formatDimap3(sampleModel, 0).replaceAll('GroundtoImage_Values', 'Other')), /GroundtoImage_Values is missing/],
  ['DIMAP version 1', () => parseDimapRpc('f', formatDimap3(sampleModel, 0).replace('version="3.0"', 'version="1.1"')), /version 1.1/],
];
for (const [what, parse, message] of broken) {
  test(`an RPC with ${what} is refused, naming file and field`, (t) => {
    t.throws(parse, { instanceOf: RpcError, message });
  });
}

test('an image without any RPC is refused with what was looked for', (t) => {
  const image = join(temporaryFolder(t), 'plain.tif');
  writeGeoTiff(image, { width: 4, height: 3, bands: [{ data: new Uint8Array(12) }] });
  const error = t.throws(() => readRpc(image), { instanceOf: RpcError });
  t.is(error?.file, image);
  t.regex(error?.message ?? '', /_RPC\.TXT, \.RPB, DIMAP RPC_\*\.XML and \.geom/);
  t.throws(() => readRpc(image, { rpcPath: `${image}.nowhere.txt` }), { instanceOf: RpcError, message: /can't be read/ });
});
