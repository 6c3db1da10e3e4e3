// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import type { RpcModel } from '../../lib/types.js';
import { RpcError } from '../errors.js';
import { modelFromFields, rpc00bNames } from './rpc-fields.js';
import { numbered } from './rpc-text.js';

export interface DimapRpc { readonly model: RpcModel; readonly variant: 'dimap-v2' | 'dimap-v3' }

/**
 * Parses the RPC file of a DIMAP product (Pleiades, SPOT 6/7: version 2; Pleiades Neo: version 3). Only the
 * ground-to-image model is read: the image-to-ground one that lies beside it is off by up to 129 px in
 * real products. Throws RpcError.
 *
 * Pixel convention. Version 2 counts from 1: the first pixel's centre is (1, 1) (Airbus, Pleiades Imagery User
 * Guide; GDAL does the same, and shareloc's reference values prove it). Version 3 counts from FIRST_COL, FIRST_ROW of the
 * model's image-to-ground validity domain, which are 0 in Pleiades Neo products: Airbus's customer support stated that (0, 0)
 * is the first centre (GDAL issue 5716); GDAL and rpcm (pull request 20) were changed to that. shareloc takes off half a pixel
 * instead, without a stated source; nothing else found agrees with it.
 */
export function parseDimapRpc(file: string, text: string): DimapRpc {
  const document = parseXml(file, text);
  const rfm = find(document, 'Global_RFM') ?? find(document, 'Rational_Function_Model');
  if (rfm === null) throw new RpcError(file, 'Rational_Function_Model', 'is missing: this is not the RPC file of a DIMAP product (RPC_*.XML)');
  const version = dimapVersion(document) ?? (find(rfm, 'GroundtoImage_Values') === null ? 2 : 3);
  if (version < 2) throw new RpcError(file, 'METADATA_FORMAT', `has version ${version}: DIMAP 2 and 3 are supported`);
  const inverse = find(rfm, 'GroundtoImage_Values') ?? find(rfm, 'Inverse_Model');
  if (inverse === null) {
    throw new RpcError(file, version >= 3 ? 'GroundtoImage_Values' : 'Inverse_Model', 'is missing: the ground-to-image model is needed');
  }
  const validity = find(rfm, 'RFM_Validity');
  const model = modelFromFields({
    file,
    names: rpc00bNames,
    number: (name) => textAt(validity, name),
    list: (name) => numbered(name, (key) => textAt(inverse, key), 1),
  });
  const first = version >= 3 ? firstPixelV3(file, rfm) : { col: 1, row: 1 };
  return {
    model: { ...model, colOff: model.colOff - first.col, rowOff: model.rowOff - first.row },
    variant: version >= 3 ? 'dimap-v3' : 'dimap-v2',
  };
}

/** Where a tile of a DIMAP product lies in its scene: columns and rows to take off the scene's offsets. */
export interface DimapTile { readonly col0: number; readonly row0: number }

/**
 * The place of a tile file (…_R2C1.TIF) in the scene its RPC describes, by the product's DIM_*.XML; null if
 * that file does not list it. Throws RpcError where tiles overlap or have no regular size.
 */
export function dimapTile(file: string, text: string, row: number, col: number): DimapTile | null {
  const document = parseXml(file, text);
  const size = find(document, 'NTILES_SIZE');
  const overlapCol = Number(textOf(find(document, 'OVERLAP_COL')) ?? 0);
  const overlapRow = Number(textOf(find(document, 'OVERLAP_ROW')) ?? 0);
  const width = Number(attribute(size, 'ncols') ?? Number.NaN);
  const height = Number(attribute(size, 'nrows') ?? Number.NaN);
  if (!(width > 0) || !(height > 0)) return null;
  if (overlapCol !== 0 || overlapRow !== 0) {
    throw new RpcError(file, 'OVERLAP_COL/OVERLAP_ROW', 'is not 0: give the whole product (its DIM_*.XML) instead of a tile');
  }
  return { col0: (col - 1) * width, row0: (row - 1) * height };
}

/** The RPC file a DIM_*.XML refers to (a relative path); null if it does not say. */
export function rpcFileOfDimap(file: string, text: string): string | null {
  // In the product's folder or below: a product has no business elsewhere.
  const isRpcFile = (href: string): boolean => /^(?:[^/\\:]+\/)*RPC_[^/\\:]+\.XML$/i.test(href) && !href.split('/').includes('..');
  return hrefs(parseXml(file, text)).find(isRpcFile) ?? null;
}

/** All href attributes, depth first. */
function hrefs(node: unknown): string[] {
  if (!isNode(node)) return [];
  return Object.entries(node).flatMap(([name, child]) => (name === '@href' && typeof child === 'string' ? [child] : hrefs(child)));
}

function firstPixelV3(file: string, rfm: XmlNode): { readonly col: number; readonly row: number } {
  const domain = find(rfm, 'ImagetoGround_Validity_Domain') ?? find(rfm, 'Direct_Model_Validity_Domain');
  const value = (name: string): number => {
    const text = textAt(domain, name);
    if (text === null) return 0;
    const parsed = Number(text);
    if (!Number.isFinite(parsed)) throw new RpcError(file, name, `is '${text}', not a finite number`);
    return parsed;
  };
  return { col: value('FIRST_COL'), row: value('FIRST_ROW') };
}

function dimapVersion(document: XmlNode): number | null {
  const version = Number.parseFloat(attribute(find(document, 'METADATA_FORMAT'), 'version') ?? '');
  return Number.isFinite(version) ? version : null;
}

type XmlNode = Readonly<Record<string, unknown>>;
const isNode = (value: unknown): value is XmlNode => typeof value === 'object' && value !== null;

function parseXml(file: string, text: string): XmlNode {
  // Entities would be declared there: none of a product's files has any, and they can be made to grow without end.
  if (/<!DOCTYPE/i.test(text)) throw new RpcError(file, null, 'declares a document type (<!DOCTYPE), which no product does: take the original file');
  try {
    const options = { ignoreAttributes: false, attributeNamePrefix: '@', parseTagValue: false, processEntities: false };
    // Loaded where there is a DIMAP: its two dozen modules are a tenth of a program's start.
    const { XMLParser }: typeof import('fast-xml-parser') = createRequire(import.meta.url)('fast-xml-parser');
    const parsed: unknown = new XMLParser(options).parse(text, true);
    if (isNode(parsed)) return parsed;
  } catch (error) {
    throw new RpcError(file, null, `is not well-formed XML (${(error instanceof Error ? error.message : String(error)).slice(0, 80)})`, error);
  }
  throw new RpcError(file, null, 'is not XML');
}

/** The first element of that name, depth first; null = none. A text-only element comes as { '#text': … }. */
function find(node: unknown, name: string): XmlNode | null {
  if (!isNode(node)) return null;
  const own = node[name];
  if (own !== undefined) return isNode(own) ? own : { '#text': own };
  for (const child of Object.values(node)) {
    const found = find(child, name);
    if (found !== null) return found;
  }
  return null;
}

// The parser leaves values as they stand in the file.
const asText = (value: unknown): string | null => (typeof value === 'string' ? value : null);

const textOf = (node: XmlNode | null): string | null => asText(node?.['#text']);

/** The text of a direct child. */
function textAt(node: XmlNode | null, name: string): string | null {
  const child = node?.[name];
  return isNode(child) ? textOf(child) : asText(child);
}

const attribute = (node: XmlNode | null, name: string): string | null => asText(node?.[`@${name}`]);
