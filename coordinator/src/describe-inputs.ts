// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { openInfo } from '@altiplano/kernels/raster';
import { InputError } from '@altiplano/protocol';
import { letGdalRead, openInput, readInputRpc } from './input-files.js';
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
 * Reads what the planner needs of one input image. Throws InputError, RpcError or RasterError naming file and
 * field: not there, no RPC, a band it doesn't have, complex samples, a mask of another size.
 */
export async function describeInput(input: ImageInput): Promise<DescribedImage> {
  const { path, mask } = input;
  await letGdalRead(path);
  const { width, height, bands } = openInfo(path);
  if (input.band === null && bands.length > 1) throw new InputError(`${path}: has ${bands.length} bands; say which with --band`);
  const band = input.band ?? 1;
  const type = bands[band - 1]?.type;
  if (type === undefined) throw new InputError(`${path}: no band ${band}; it has ${bands.length}`);
  if (/complex|^c(int|float)/i.test(type)) throw new InputError(`${path}: band ${band} has complex samples (${type}); give an intensity image`);
  if (mask !== null) {
    const size = openInfo(mask);
    if (size.width !== width || size.height !== height) {
      throw new InputError(`${mask}: the mask has ${size.width} x ${size.height} pixels, its image ${path} ${width} x ${height}`);
    }
  }
  const { model, source } = await readInputRpc(path, input.rpc);
  const rpc = { ...model, colNum: [...model.colNum], colDen: [...model.colDen], rowNum: [...model.rowNum], rowDen: [...model.rowDen] };
  return { path, band, mask, width, height, rpc, rpcSource: source, fingerprint: await fingerprintOf(mask === null ? [path] : [path, mask]) };
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
