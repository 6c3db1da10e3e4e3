// SPDX-License-Identifier: Apache-2.0
import { mkdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { InputError, ObjectMissingError, ServiceUnavailableError, messageOf } from '../src/errors.js';
import type { ObjectStore } from './object-store.js';
import { DamagedAnswerError, isBeyondEnd } from './s3-errors.js';
import { gdalOptionsOf } from './s3-gdal.js';
import { type S3Options, bytesOf, openBucket, s3Defaults } from './s3-requests.js';
import { describeObject, filePayload, isIntact, payloadOf, sha256Field, upload } from './s3-upload.js';
import { removeStale } from './scratch-folder.js';
import { checkKey, checkPrefix } from './store-key.js';

/** Time limit for whole objects, of unknown size: those we read whole are documents of some MB. */
const largestDocument = 256 << 20;

/**
 * A bucket, or the part of it below a prefix, as an object store: `s3://bucket/prefix`, on AWS or any server that speaks its protocol and
 * has conditional puts. Configured by AWS's standard variables and files; see docs/decisions/0011-object-stores.md.
 *
 * S3 makes an object appear whole or not at all, and decides conditional puts itself. Objects carry the SHA-256 of their content: the
 * server checks it when they come, `get` when they are read. Nothing is asked of the server until the first operation.
 */
export async function openS3Store(url: string, given: Partial<S3Options> = {}): Promise<ObjectStore> {
  const options = { ...s3Defaults, ...given };
  const { bucket, prefix } = parseS3Url(url);
  const s3 = await openBucket(bucket, options);
  const { client } = s3;
  const scratchFolder = await openScratchFolder();
  const nameOf = (key: string): string => {
    checkKey(key);
    return prefix + key;
  };

  // A server that doesn't know conditions takes both of two equal puts, and would lose results in silence: it is tried once.
  let honoursConditions = s3.endpoint.isAws;
  async function putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    const put = () => upload(s3, nameOf(key), payloadOf(bytes), true, options);
    if (!(await put())) return false;
    if (!honoursConditions && await put()) {
      throw new InputError(`store: ${s3.endpoint.url} ignores If-None-Match, so results could be lost; use a server with conditional puts`);
    }
    honoursConditions = true;
    return true;
  }

  async function putFile(key: string, path: string, onlyIfAbsent: boolean): Promise<boolean> {
    const name = nameOf(key);
    const payload = await filePayload(path, options.partsFromBytes).catch((cause: unknown) => {
      throw new ServiceUnavailableError(`store: can't read ${path} to write ${key}: ${messageOf(cause)}`, cause);
    });
    const isPut = await upload(s3, name, payload, onlyIfAbsent, options);
    await rm(path, { force: true });
    return isPut;
  }

  return {
    url: `s3://${bucket}${prefix === '' ? '' : `/${prefix.slice(0, -1)}`}`,
    get: async (key, signal) => {
      const target = { Bucket: bucket, Key: nameOf(key) };
      return s3.ask({ verb: 'read', key: target.Key, right: 's3:GetObject', bytes: largestDocument, ...(signal && { signal }) }, async (abortSignal) => {
        const { Body, ContentLength, Metadata } = await client.send(new GetObjectCommand(target), { abortSignal });
        const bytes = await bytesOf(Body, ContentLength, abortSignal);
        if (!isIntact(bytes, Metadata?.[sha256Field])) throw new DamagedAnswerError('the bytes that arrived have another SHA-256 than those that were put');
        return bytes;
      });
    },
    async getRange(key, offset, length, signal) {
      const target = { Bucket: bucket, Key: nameOf(key), Range: `bytes=${offset}-${offset + Math.max(1, length) - 1}` };
      const bytes = await s3.ask({ verb: 'read', key: target.Key, right: 's3:GetObject', bytes: length, ...(signal && { signal }) }, async (abortSignal) => {
        try {
          const { Body, ContentLength } = await client.send(new GetObjectCommand(target), { abortSignal });
          return await bytesOf(Body, ContentLength, abortSignal);
        } catch (error) {
          if (isBeyondEnd(error)) return new Uint8Array();
          throw error;
        }
      });
      return bytes.subarray(0, length);
    },
    async size(key) {
      const found = await describeObject(s3, nameOf(key));
      if (found === null) throw new ObjectMissingError(nameOf(key));
      return found.size;
    },
    has: async (key) => (await describeObject(s3, nameOf(key))) !== null,
    putIfAbsent,
    put: async (key, bytes) => { await upload(s3, nameOf(key), payloadOf(bytes), false, options); },
    putFile: async (key, path) => { await putFile(key, path, false); },
    putFileIfAbsent: (key, path) => putFile(key, path, true),
    async *list(part) {
      checkPrefix(part);
      for (let after: string | undefined; ;) {
        const page = await s3.ask({ verb: 'list', key: prefix + part, right: 's3:ListBucket' }, (abortSignal) => client.send(
          new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix + part, ...(after !== undefined && { ContinuationToken: after }) }), { abortSignal }));
        for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key.slice(prefix.length);
        after = page.NextContinuationToken;
        if (after === undefined) return;
      }
    },
    delete: async (key) => {
      const target = { Bucket: bucket, Key: nameOf(key) };
      await s3.ask({ verb: 'delete', key: target.Key, right: 's3:DeleteObject' }, (abortSignal) => client.send(new DeleteObjectCommand(target), { abortSignal }));
    },
    scratchFolder,
    gdalPath: (key) => `/vsis3/${bucket}/${nameOf(key)}`,
    gdalOptions: () => gdalOptionsOf(s3),
    async close() { client.destroy(); },
  };
}

/** Splits `s3://bucket/prefix`; the prefix comes back empty or with a trailing '/'. Throws InputError. */
export function parseS3Url(url: string): { readonly bucket: string; readonly prefix: string } {
  const [, bucket = '', rest = ''] = /^s3:\/\/([^/?#]*)\/?(.*)$/i.exec(url) ?? [];
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) throw new InputError(`store ${url}: expected s3://bucket/prefix, with a bucket name of 3 to 63 small letters, digits, '-' and '.'`);
  const prefix = rest.replace(/\/+$/, '');
  if (prefix === '') return { bucket, prefix };
  checkKey(prefix);
  return { bucket, prefix: `${prefix}/` };
}

/** One folder for all stores of a user on this machine, whose leftovers are swept. */
async function openScratchFolder(): Promise<string> {
  const user = process.getuid?.() ?? 0;
  const name = `altiplano-scratch-${user}`;
  // A worker thread whose TMPDIR is this folder already opens the store, too.
  const folder = basename(tmpdir()) === name ? tmpdir() : join(tmpdir(), name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((await stat(folder)).uid !== user) throw new InputError(`${folder} belongs to another user; remove it, or set TMPDIR to a folder of your own`);
  await removeStale(folder);
  return folder;
}
