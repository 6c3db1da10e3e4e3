// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { type RasterInfo, openInfo, readWindow } from '@altiplano/kernels/raster';
import { InputError } from '@altiplano/protocol';
import { isInBucket, letGdalRead, openInput, readInputRpc } from './input-files.js';
import type { DescribedImage } from './view.js';

export interface ImageInput {
  readonly path: string;
  /** 1-based; null: the only one. */
  readonly band: number | null;
  readonly mask: string | null;
  /** The RPC's file; null: found beside or inside the image. */
  readonly rpc: string | null;
}

/**
 * Reads what the planner needs of one input image. Throws InputError, RpcError or RasterError naming file and field: not there, no RPC,
 * a band it doesn't have, pixels without grey values (complex, of a palette), a mask of another size, a file that is cut off or far
 * smaller than what it claims to hold.
 */
export async function describeInput(input: ImageInput): Promise<DescribedImage> {
  const { path, mask } = input;
  await letGdalRead(path);
  const info = openInfo(path);
  const { width, height, bands } = info;
  if (input.band === null && bands.length > 1) throw new InputError(`${path}: has ${bands.length} bands; say which with --band`);
  const band = input.band ?? 1;
  const type = bands[band - 1]?.type;
  if (type === undefined) throw new InputError(`${path}: no band ${band}; it has ${bands.length}`);
  if (mask !== null) {
    const size = openInfo(mask);
    if (size.width !== width || size.height !== height) {
      throw new InputError(`${mask}: the mask has ${size.width} x ${size.height} pixels, its image ${path} ${width} x ${height}`);
    }
  }
  await checkDensity(info);
  // The last pixel: where a download or a copy broke off is told now, and not by a task.
  readWindow(path, { band, rect: { col0: width - 1, row0: height - 1, width: 1, height: 1 }, ...(mask !== null && { maskPath: mask }) });
  const { model, source } = await readInputRpc(path, input.rpc);
  const rpc = { ...model, colNum: [...model.colNum], colDen: [...model.colDen], rowNum: [...model.rowNum], rowDen: [...model.rowDen] };
  return { path, band, mask, width, height, rpc, rpcSource: source, fingerprint: await fingerprintOf(mask === null ? [path] : [path, mask]) };
}

/** Pixels from which on an image must be backed by bytes: below, unpacking it harms nobody. */
const plentyOfPixels = 2 ** 28;
/** Deflate, the usual codec, packs up to 1,032 to 1; images of ground hardly 5 to 1. */
const mostPixelsPerByte = 2_000;

/** Refuses a small file that would fill the store's disk when unpacked. */
async function checkDensity({ path, width, height, files }: RasterInfo): Promise<void> {
  if (width * height < plentyOfPixels) return;
  let bytes = 0;
  for (const file of isInBucket(path) ? [path] : files) bytes += await sizeOf(file);
  if (width * height > mostPixelsPerByte * bytes) {
    throw new InputError(`${path}: claims ${width} x ${height} pixels in ${bytes} bytes, so it holds next to nothing; take the original image`);
  }
}

async function sizeOf(path: string): Promise<number> {
  if (!isInBucket(path)) return (await stat(path)).size;
  const file = await openInput(path);
  await file.close();
  return file.size;
}

/** Sizes and a hash over the start, the middle and the end of files: images are gigabytes, and differ all over. */
async function fingerprintOf(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) {
    const file = await openInput(path);
    try {
      hash.update(`${file.size}`);
      const piece = 1 << 20;
      for (const position of [0, Math.max(0, Math.floor(file.size / 2)), Math.max(0, file.size - piece)]) hash.update(await file.read(position, piece));
    } finally {
      await file.close();
    }
  }
  return hash.digest('hex').slice(0, 16);
}
