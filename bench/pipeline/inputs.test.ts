// SPDX-License-Identifier: Apache-2.0
// Every way images and camera models come in, through the whole road: the same pixels and cameras give the same surface.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RpcModel } from '@altiplano/kernels';
import { type RasterArray, formatRpcText, readBands, readRpc, readWindow, writeGeoTiff } from '@altiplano/kernels/raster';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { makeScene } from '../scenes/make-scene.js';
import { runScene } from './run-altiplano.js';

interface Picture { readonly pixels: Uint16Array; readonly rpc: RpcModel; readonly path: string }
interface Context { folder: string; pictures: readonly [Picture, Picture]; expected: Float32Array }
const test = anyTest as TestFn<Context>;

const size = 192;

/** Runs two images and returns the DSM's heights, NaN = none. */
async function surface(t: ExecutionContext<Context>, images: readonly string[], ...options: string[]): Promise<Float32Array> {
  const out = join(t.context.folder, `out-${t.title.replace(/\W+/g, '-').slice(0, 60)}`);
  const { state, products } = await runScene([...images, '--out', out, '--agents', '1', ...options], { showProgress: false });
  t.is(state, 'done');
  const [heights = new Float32Array(0)] = readBands(products['dsm'] ?? '');
  return heights;
}

function sameSurface(t: ExecutionContext<Context>, heights: Float32Array): void {
  const { expected } = t.context;
  t.is(heights.length, expected.length);
  t.true(heights.every((h, i) => Math.abs(h - (expected[i] ?? NaN)) < 0.01 || (Number.isNaN(h) && Number.isNaN(expected[i]))));
}

async function folderOf(t: ExecutionContext<Context>, name: string): Promise<string> {
  const folder = join(t.context.folder, name);
  await mkdir(folder);
  return folder;
}

const plain = (path: string, data: RasterArray, more: Partial<Parameters<typeof writeGeoTiff>[1]> = {}): string => {
  writeGeoTiff(path, { width: size, height: size, bands: [{ data }], ...more });
  return path;
};

test.before(async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-inputs-'));
  const manifest = await makeScene({ directory: join(folder, 'scene'), terrain: 'hills', size, seed: 5 });
  const [first, second] = manifest.views.map(({ file }): Picture => {
    const path = join(folder, 'scene', file);
    return { path, rpc: readRpc(path).model, pixels: Uint16Array.from(readWindow(path, { band: 1 }).data) };
  });
  if (!first || !second) throw new Error('a scene has two views');
  t.context = { folder, pictures: [first, second], expected: new Float32Array(0) };
  const { products } = await runScene([first.path, second.path, '--out', join(folder, 'expected'), '--agents', '1'], { showProgress: false });
  const [expected = new Float32Array(0)] = readBands(products['dsm'] ?? '');
  t.context.expected = expected;
  t.true(expected.filter((h) => !Number.isNaN(h)).length > 0.7 * size * size, 'a surface to compare with');
});

test.after.always(async (t) => { await rm(t.context.folder, { recursive: true, force: true }); });

test.serial('cameras from _RPC.TXT and .RPB', async (t) => {
  const { pictures: [a, b] } = t.context;
  const folder = await folderOf(t, 'text');
  await writeFile(join(folder, 'a_RPC.TXT'), formatRpcText(a.rpc));
  await writeFile(join(folder, 'b.RPB'), rpbText(b.rpc));
  sameSurface(t, await surface(t, [plain(join(folder, 'a.tif'), a.pixels), plain(join(folder, 'b.tif'), b.pixels)]));
});

test.serial('cameras from DIMAP v2, counted from 1, and from an OTB .geom of the scene a crop was cut from', async (t) => {
  const { pictures: [a, b] } = t.context;
  const folder = await folderOf(t, 'scene-models');
  await writeFile(join(folder, 'RPC_a.XML'), dimapText(a.rpc));
  await writeFile(join(folder, 'b.geom'), geomText({ ...b.rpc, colOff: b.rpc.colOff + 2048, rowOff: b.rpc.rowOff + 4096 }));
  const crop = plain(join(folder, 'b.tif'), b.pixels, { geotransform: [2048, 1, 0, 4096, 0, 1] });
  sameSurface(t, await surface(t, [plain(join(folder, 'IMG_a.TIF'), a.pixels), crop]));
});

test.serial('a VRT, and band 2 of three', async (t) => {
  const { pictures: [a, b] } = t.context;
  const folder = await folderOf(t, 'bands');
  await writeFile(join(folder, 'a.vrt'), `<VRTDataset rasterXSize="${size}" rasterYSize="${size}"><VRTRasterBand dataType="UInt16" band="1"><SimpleSource>`
    + `<SourceFilename relativeToVRT="0">${a.path}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>`);
  await writeFile(join(folder, 'a_RPC.TXT'), formatRpcText(a.rpc));
  const other = new Uint16Array(size * size).fill(7);
  writeGeoTiff(join(folder, 'b.tif'), { width: size, height: size, bands: [{ data: other }, { data: b.pixels }, { data: other }], rpc: b.rpc });
  sameSurface(t, await surface(t, [join(folder, 'a.vrt'), join(folder, 'b.tif')], '--band', '1,2'));
});

test.serial('int16 with a no-data value, and float32 with NaN: a hole where the pixels are missing, the same surface elsewhere', async (t) => {
  const { pictures: [a, b], expected } = t.context;
  const folder = await folderOf(t, 'holes');
  const isHole = (i: number): boolean => i % size >= 80 && i % size < 100;
  const first = join(folder, 'a.tif');
  const data = Int16Array.from(a.pixels, (value, i) => (isHole(i) ? -999 : value));
  writeGeoTiff(first, { width: size, height: size, bands: [{ data, noData: -999 }], rpc: a.rpc });
  const second = plain(join(folder, 'b.tif'), Float32Array.from(b.pixels, (value, i) => (isHole(i) ? NaN : value)), { rpc: b.rpc });
  const heights = await surface(t, [first, second]);
  holed(t, heights, expected);
});

test.serial('8 bits with a mask image leave out what the mask leaves out', async (t) => {
  const { pictures: [a, b], expected } = t.context;
  const folder = await folderOf(t, 'mask');
  const bytes = ({ pixels }: Picture): Uint8Array => Uint8Array.from(pixels, (value) => Math.min(255, value / 8));
  const mask = plain(join(folder, 'mask.tif'), Uint8Array.from({ length: size * size }, (_, i) => (i % size >= 80 && i % size < 100 ? 0 : 255)));
  const images = [plain(join(folder, 'a.tif'), bytes(a), { rpc: a.rpc }), plain(join(folder, 'b.tif'), bytes(b), { rpc: b.rpc })];
  holed(t, await surface(t, images, '--mask', `${mask},-`), expected);
});

/** A tenth of the columns is missing: so are about as many heights; the others hardly differ. */
function holed(t: ExecutionContext<Context>, heights: Float32Array, expected: Float32Array): void {
  const count = (values: Float32Array): number => values.reduce((n, h) => n + (Number.isNaN(h) ? 0 : 1), 0);
  const share = count(heights) / count(expected);
  t.true(share > 0.7 && share < 0.95, `${share} of the heights`);
  const sorted = (values: Float32Array): Float32Array => values.filter((h) => !Number.isNaN(h)).sort();
  const median = (values: Float32Array): number => sorted(values)[Math.floor(count(values) / 2)] ?? NaN;
  t.true(Math.abs(median(heights) - median(expected)) < 2, `median ${median(heights)}, not ${median(expected)}`);
}

/** The fields of an RPC, each with our name. */
const scalars = ['lonOff', 'lonScale', 'latOff', 'latScale', 'altOff', 'altScale', 'colOff', 'colScale', 'rowOff', 'rowScale'] as const;
const lists = ['colNum', 'colDen', 'rowNum', 'rowDen'] as const;

function rpbText(rpc: RpcModel): string {
  const names = ['longOffset', 'longScale', 'latOffset', 'latScale', 'heightOffset', 'heightScale', 'sampOffset', 'sampScale', 'lineOffset', 'lineScale'];
  const listNames = ['sampNumCoef', 'sampDenCoef', 'lineNumCoef', 'lineDenCoef'];
  return ['SpecId = "RPC00B";', 'BEGIN_GROUP = IMAGE', ...scalars.map((field, i) => `\t${names[i]} = ${rpc[field]};`),
    ...lists.map((field, i) => `\t${listNames[i]} = (\n\t\t${rpc[field].join(',\n\t\t')});`), 'END_GROUP = IMAGE', 'END;'].join('\n');
}

function geomText(rpc: RpcModel): string {
  const names = ['long_off', 'long_scale', 'lat_off', 'lat_scale', 'height_off', 'height_scale', 'samp_off', 'samp_scale', 'line_off', 'line_scale'];
  const listNames = ['samp_num_coeff', 'samp_den_coeff', 'line_num_coeff', 'line_den_coeff'];
  return ['polynomial_format:  B', ...scalars.map((field, i) => `${names[i]}:  ${rpc[field]}`),
    ...lists.flatMap((field, i) => rpc[field].map((value, k) => `${listNames[i]}_${String(k).padStart(2, '0')}:  ${value}`))].join('\n');
}

function dimapText(rpc: RpcModel): string {
  const names = ['LONG_OFF', 'LONG_SCALE', 'LAT_OFF', 'LAT_SCALE', 'HEIGHT_OFF', 'HEIGHT_SCALE', 'SAMP_OFF', 'SAMP_SCALE', 'LINE_OFF', 'LINE_SCALE'];
  const listNames = ['SAMP_NUM_COEFF', 'SAMP_DEN_COEFF', 'LINE_NUM_COEFF', 'LINE_DEN_COEFF'];
  const fromOne: RpcModel = { ...rpc, colOff: rpc.colOff + 1, rowOff: rpc.rowOff + 1 };
  const element = (name: string, value: number): string => `<${name}>${value}</${name}>`;
  return `<?xml version="1.0"?><Dimap_Document><Metadata_Identification><METADATA_FORMAT version="2.15">DIMAP</METADATA_FORMAT></Metadata_Identification>
<Rational_Function_Model><Global_RFM><Inverse_Model>${lists.map((field, i) => rpc[field].map((value, k) => element(`${listNames[i]}_${k + 1}`, value)).join('')).join('\n')}
</Inverse_Model><RFM_Validity>${scalars.map((field, i) => element(names[i] ?? '', fromOne[field])).join('')}</RFM_Validity></Global_RFM></Rational_Function_Model></Dimap_Document>`;
}
