// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { RpcModel } from '../lib/types.js';
import { RpcError } from './errors.js';
import { openInfo } from './info.js';
import { dimapTile, parseDimapRpc, rpcFileOfDimap } from './rpc-readers/dimap.js';
import { rpcFromGdalMetadata } from './rpc-readers/gdal-metadata.js';
import { cropRpc, parseGeom } from './rpc-readers/geom.js';
import { parseRpb } from './rpc-readers/rpb.js';
import { parseRpcText } from './rpc-readers/rpc-text.js';

/** 'gdal': read by GDAL from what it alone understands (NITF TRE, other vendors' metadata, .aux.xml). */
export type RpcVariant = 'geotiff-tag' | 'rpc-txt' | 'rpb' | 'dimap-v2' | 'dimap-v3' | 'geom' | 'gdal';

export interface RpcReading {
  /** (0, 0) is the centre of the image file's first pixel. */
  readonly model: RpcModel;
  /** The file it was read from. */
  readonly source: string;
  readonly variant: RpcVariant;
  /** What a user should know about how it was read; null = nothing. */
  readonly note: string | null;
}

/**
 * Reads an image's RPC. `rpcPath` names its file and overrides everything; else the first of these counts,
 * which is GDAL's order (a file delivered or refined beside an image beats what is inside), made explicit:
 *
 * 1. `<stem>.RPB`
 * 2. `<stem>_RPC.TXT`, in any case
 * 3. DIMAP: the RPC_*.XML of the product the image belongs to (its DIM_*.XML, or one of its IMG_* tiles)
 * 4. the RPC tag inside a GeoTIFF
 * 5. `<stem>.geom` (OTB/OSSIM)
 * 6. whatever else GDAL finds an RPC in (variant 'gdal')
 *
 * Whose pixels: 1, 2, 4 and 6 are for the pixels of the file they belong to, whatever its geotransform says (as for GDAL,
 * whose tools move the tag when they crop). A `.geom` is for the full scene: where the image has a geotransform
 * without a CRS, that is the crop's place in the scene and the RPC is shifted by it, once. A DIMAP RPC is for the whole product:
 * for a single tile of it, it is shifted to the tile.
 *
 * Throws RpcError: none found, or one that can't be used, naming file and field; RasterError: no such image.
 */
export function readRpc(imagePath: string, { rpcPath }: { readonly rpcPath?: string } = {}): RpcReading {
  if (rpcPath !== undefined) return readRpcFile(imagePath, rpcPath);
  const beside = sidecars(imagePath);
  const first = beside.rpb ?? beside.text ?? beside.dimap;
  if (first !== null) return readRpcFile(imagePath, first);
  const alone = openInfo(imagePath, { alone: true });
  if (alone.driver === 'GTiff' && alone.rpcMetadata !== null) {
    const shifted = isCropTransform(alone.crs, alone.geotransform);
    return {
      model: rpcFromGdalMetadata(imagePath, alone.rpcMetadata), source: imagePath, variant: 'geotiff-tag',
      note: shifted ? 'the image has a geotransform without CRS; the RPC tag was taken to be for the pixels of this file, as GDAL does' : null,
    };
  }
  if (beside.geom !== null) return readRpcFile(imagePath, beside.geom);
  const all = openInfo(imagePath);
  if (all.rpcMetadata !== null) {
    return {
      model: rpcFromGdalMetadata(imagePath, all.rpcMetadata), source: imagePath, variant: 'gdal',
      note: `read by GDAL's driver ${all.driver} from ${all.files.map((file) => basename(file)).join(', ')}`,
    };
  }
  throw new RpcError(imagePath, null, 'has no RPC camera model: looked for an RPC tag, _RPC.TXT, .RPB, DIMAP RPC_*.XML and .geom; '
    + 'put the product\'s RPC file beside the image');
}

function readRpcFile(imagePath: string, file: string): RpcReading {
  const suffix = extname(file).toLowerCase();
  const base = { source: file, note: null };
  if (suffix === '.geom') {
    const scene = parseGeom(file, textFile(file));
    const { crs, geotransform } = openInfo(imagePath, { alone: true });
    if (!isCropTransform(crs, geotransform) || geotransform === null) return { ...base, model: scene, variant: 'geom' };
    return {
      ...base, model: cropRpc(imagePath, scene, geotransform), variant: 'geom',
      note: `the scene's RPC, shifted to the crop at column ${geotransform[0]}, row ${geotransform[3]} of the scene`,
    };
  }
  if (suffix === '.xml') return readDimap(imagePath, file);
  if (suffix === '.rpb') return { ...base, model: parseRpb(file, textFile(file)), variant: 'rpb' };
  if (suffix === '.txt') return { ...base, model: parseRpcText(file, textFile(file)), variant: 'rpc-txt' };
  // Another raster that carries the RPC.
  const info = openInfo(file, { alone: true });
  if (info.rpcMetadata === null) throw new RpcError(file, null, 'has no RPC: give an .XML, .TXT, .RPB, .geom or an image with an RPC tag');
  return { ...base, model: rpcFromGdalMetadata(file, info.rpcMetadata), variant: info.driver === 'GTiff' ? 'geotiff-tag' : 'gdal' };
}

const tilePattern = /_R(\d+)C(\d+)$/i;

function readDimap(imagePath: string, file: string): RpcReading {
  const text = textFile(file);
  // The product's DIM_*.XML names its RPC file.
  const referred = rpcFileOfDimap(file, text);
  const rpcFile = referred === null ? file : join(dirname(file), referred);
  const { model, variant } = parseDimapRpc(rpcFile, referred === null ? text : textFile(rpcFile));
  const tile = tilePattern.exec(stemOf(imagePath));
  const row = Number(tile?.[1] ?? 1);
  const col = Number(tile?.[2] ?? 1);
  if (row === 1 && col === 1) return { model, variant, source: rpcFile, note: null };
  const product = productFile(imagePath);
  const place = product === null ? null : dimapTile(product, textFile(product), row, col);
  if (place === null) {
    throw new RpcError(rpcFile, null, `is for the whole product, and where ${basename(imagePath)} lies in it is unknown: `
      + 'give the product\'s DIM_*.XML as the image');
  }
  return {
    model: { ...model, colOff: model.colOff - place.col0, rowOff: model.rowOff - place.row0 }, variant, source: rpcFile,
    note: `the product's RPC, shifted to the tile at column ${place.col0}, row ${place.row0}`,
  };
}

interface Sidecars {
  readonly rpb: string | null; readonly text: string | null;
  readonly dimap: string | null; readonly geom: string | null;
}

/** The RPC files beside an image, by name. */
function sidecars(imagePath: string): Sidecars {
  const find = finderBeside(imagePath);
  const stem = stemOf(imagePath);
  return {
    rpb: find(`${stem}.rpb`),
    text: find(`${stem}_rpc.txt`) ?? find(`${basename(imagePath)}_rpc.txt`),
    dimap: dimapRpcFile(imagePath),
    geom: find(`${stem}.geom`),
  };
}

/** RPC_X.XML for X.tif, IMG_X.TIF, IMG_X_R1C1.TIF and DIM_X.XML; for the last also what it refers to. */
function dimapRpcFile(imagePath: string): string | null {
  const find = finderBeside(imagePath);
  const name = productName(imagePath);
  const named = find(`RPC_${name}.xml`);
  if (named !== null) return named;
  const product = productFile(imagePath);
  if (product === null) return null;
  const referred = rpcFileOfDimap(product, textFile(product));
  return referred === null || !existsSync(join(dirname(product), referred)) ? null : join(dirname(product), referred);
}

function productFile(imagePath: string): string | null {
  const find = finderBeside(imagePath);
  const name = productName(imagePath);
  // Pleiades Neo: IMG_…_F_1_P_R1C1.TIF and RPC_…_F_1_P.XML belong to DIM_…_F_1.XML.
  return find(`DIM_${name}.xml`) ?? find(`DIM_${name.replace(/_(P|RGB|NED|MS-FS|PMS-FS)$/i, '')}.xml`);
}

const productName = (imagePath: string): string =>
  stemOf(imagePath).replace(/^(IMG|DIM|RPC)_/i, '').replace(tilePattern, '');

const stemOf = (path: string): string => basename(path, extname(path));

/** Looks names up in the image's folder without regard to case; null = not there, or no folder that can be listed. */
function finderBeside(imagePath: string): (name: string) => string | null {
  const folder = dirname(imagePath);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return (name) => {
    const found = names.find((one) => one.toLowerCase() === name.toLowerCase());
    return found === undefined ? null : join(folder, found);
  };
}

/** OTB's mark of a crop: a geotransform, but no CRS it could be in. */
const isCropTransform = (crs: string | null, geotransform: readonly number[] | null): boolean =>
  crs === null && geotransform !== null && [0, 1, 0, 0, 0, 1].some((value, index) => geotransform[index] !== value);

/** RPCs have some KB, a product's DIM_*.XML up to some 100 KB. */
const maxTextBytes = 2 ** 20;

function textFile(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > maxTextBytes) throw new RangeError(`it has ${size} bytes, and at most ${maxTextBytes} are read`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new RpcError(path, null, `can't be read (${error instanceof Error ? error.message : String(error)})`, error);
  }
}
