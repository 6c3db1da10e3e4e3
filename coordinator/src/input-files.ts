// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { RpcError, type RpcReading, configureGdal, readRpc } from '@altiplano/kernels/raster';
import { InputError } from '@altiplano/protocol';
import { type ObjectStore, openStore } from '@altiplano/protocol/io';

/** An input's bytes, wherever they are. */
export interface InputFile {
  readonly size: number;
  /** Bytes [position, position + length), cut at the end. */
  read(position: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export const isInBucket = (path: string): boolean => path.startsWith('s3://');

/**
 * Lets GDAL open an input in a bucket, with the endpoint and credentials the environment gives for it. Nothing to do for files.
 * Throws what is wrong in the store's clear words, InputError where there is no such object: GDAL would hand on the server's page.
 */
export async function letGdalRead(path: string): Promise<void> {
  if (!isInBucket(path)) return;
  const { store, key } = await openBucketOf(path);
  try {
    if (!(await store.has(key))) throw new InputError(`${path}: there is no such object, or no such bucket`);
    configureGdal(await store.gdalOptions());
  } finally {
    await store.close();
  }
}

/** Opens a file, or an object at s3://bucket/key. */
export async function openInput(path: string): Promise<InputFile> {
  if (isInBucket(path)) {
    const { store, key } = await openBucketOf(path);
    return { size: await store.size(key), read: (position, length) => store.getRange(key, position, length), close: () => store.close() };
  }
  const file = await open(path);
  return {
    size: (await file.stat()).size,
    async read(position, length) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
      return buffer.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
}

async function openBucketOf(url: string): Promise<{ readonly store: ObjectStore; readonly key: string }> {
  const [, bucket, key] = /^(s3:\/\/[^/]+)\/(.+)$/.exec(url) ?? [];
  if (bucket === undefined || key === undefined) throw new InputError(`${url}: expected s3://bucket/key`);
  return { store: await openStore(bucket), key };
}

/**
 * Reads an image's RPC as readRpc does. For an image in a bucket the files `<stem>.RPB`, `<stem>_RPC.TXT` and `<stem>.geom` beside it count
 * in the same order, and an RPC's own file may be in a bucket, too; a DIMAP product's has to be named.
 */
export async function readInputRpc(path: string, rpc: string | null): Promise<RpcReading> {
  if (rpc !== null) return isInBucket(rpc) ? readFetched(path, rpc) : readRpc(path, { rpcPath: rpc });
  if (!isInBucket(path)) return readRpc(path);
  const beside = await filesBeside(path);
  const named = (suffix: string): string | undefined => beside.find((file) => file.toLowerCase().endsWith(suffix));
  const first = named('.rpb') ?? named('_rpc.txt');
  if (first !== undefined) return readFetched(path, first);
  try {
    return readRpc(path);
  } catch (error) {
    const last = named('.geom');
    if (last === undefined || !(error instanceof RpcError)) throw error;
    return readFetched(path, last);
  }
}

/** The objects whose names are the image's without its extension, and something more. */
async function filesBeside(url: string): Promise<string[]> {
  const { store, key } = await openBucketOf(url);
  const stem = key.slice(0, key.length - extname(key).length);
  const bucket = url.slice(0, url.length - key.length);
  const found: string[] = [];
  try {
    for await (const name of store.list(stem)) if (/^(\.rpb|_rpc\.txt|\.geom)$/i.test(name.slice(stem.length))) found.push(`${bucket}${name}`);
  } finally {
    await store.close();
  }
  return found;
}

const maxRpcBytes = 2 ** 20;

/** Fetches a text file of some KB and reads it as the image's RPC. */
async function readFetched(image: string, rpc: string): Promise<RpcReading> {
  const { store, key } = await openBucketOf(rpc);
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-rpc-'));
  try {
    const rpcPath = join(folder, basename(key));
    const size = await store.size(key);
    if (size > maxRpcBytes) throw new InputError(`${rpc}: has ${size} bytes, and an RPC's file at most ${maxRpcBytes}`);
    await writeFile(rpcPath, await store.get(key));
    return { ...readRpc(image, { rpcPath }), source: rpc };
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
}
