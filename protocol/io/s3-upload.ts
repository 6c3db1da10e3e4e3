// SPDX-License-Identifier: Apache-2.0
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import {
  AbortMultipartUploadCommand, type CompletedPart, CompleteMultipartUploadCommand, CreateMultipartUploadCommand, HeadObjectCommand, PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { mapConcurrently } from './map-concurrently.js';
import { isConflict, isMissing, isMissingUpload, isTaken } from './s3-errors.js';
import type { S3Bucket, S3Options } from './s3-requests.js';

/** What an object says about itself: who wrote it, and the SHA-256 of its content (hex). */
const writerField = 'altiplano-writer';
export const sha256Field = 'altiplano-sha256';

/** Bytes on their way into the store. */
export interface Payload {
  readonly size: number;
  readonly sha256: string;
  /** The bytes, or the file that has them. */
  readonly from: Uint8Array | string;
}

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
export const isIntact = (bytes: Uint8Array, sha256: string | undefined): boolean => sha256 === undefined || sha256 === sha256Of(bytes);

export const payloadOf = (bytes: Uint8Array): Payload => ({ size: bytes.length, sha256: sha256Of(bytes), from: bytes });

/** A file up to `inMemory` bytes is read, a larger one only hashed. */
export async function filePayload(path: string, inMemory: number): Promise<Payload> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size < inMemory) return payloadOf(await readFile(file));
    const hash = createHash('sha256');
    for await (const chunk of file.createReadStream({ autoClose: false })) hash.update(chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk)));
    return { size, sha256: hash.digest('hex'), from: path };
  } finally {
    await file.close();
  }
}

/** S3 takes no larger object in one request. */
const largestPut = 5 * 2 ** 30;
const mostParts = 10_000;
const partsAtOnce = 4;

/**
 * Puts an object; with `onlyIfAbsent` resolves false where the key is taken. A put whose answer was lost meets its own object when
 * it is tried again: each put names its writer in the object, and so recognises it.
 *
 * AWS takes the condition on completing an upload in parts, others ignore it there (Ceph 16): to those a file that
 * must not replace goes in one request, up to the 5 GiB that are allowed.
 */
export async function upload(s3: S3Bucket, key: string, payload: Payload, onlyIfAbsent: boolean, options: S3Options): Promise<boolean> {
  const canBeParts = !onlyIfAbsent || (options.conditionOnParts ?? s3.endpoint.isAws);
  const inParts = payload.size >= (canBeParts ? options.partsFromBytes : largestPut);
  // Looking first saves sending much that most repeated tasks would send for nothing; the condition still decides.
  if (onlyIfAbsent && payload.size >= options.partsFromBytes && (await describeObject(s3, key)) !== null) return false;
  return inParts ? putParts(s3, key, payload, onlyIfAbsent, options) : putWhole(s3, key, payload, onlyIfAbsent);
}

/** What the store says of an object; null where there is none. */
export async function describeObject(s3: S3Bucket, key: string): Promise<{ readonly size: number; readonly writer: string | undefined } | null> {
  return s3.ask({ verb: 'look up', key, right: 's3:GetObject' }, async (abortSignal) => {
    try {
      const { ContentLength, Metadata } = await s3.client.send(new HeadObjectCommand({ Bucket: s3.bucket, Key: key }), { abortSignal });
      return { size: ContentLength ?? 0, writer: Metadata?.[writerField] };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  });
}

async function putWhole(s3: S3Bucket, key: string, payload: Payload, onlyIfAbsent: boolean): Promise<boolean> {
  const writer = randomUUID();
  // An earlier try may have reached the store though we heard nothing of it.
  let mayBeOurs = false;
  return s3.ask({ verb: 'write', key, right: 's3:PutObject', bytes: payload.size }, async (abortSignal) => {
    const file = typeof payload.from === 'string' ? createReadStream(payload.from) : null;
    const command = new PutObjectCommand({
      Bucket: s3.bucket, Key: key, ContentLength: payload.size, Metadata: { [writerField]: writer, [sha256Field]: payload.sha256 },
      Body: file ?? payload.from,
      ...(onlyIfAbsent && { IfNoneMatch: '*' }),
    });
    // The signature covers the content's hash, and the server checks it: what arrives is what was sent.
    command.middlewareStack.add((next) => (args) => {
      const { request } = args;
      if (typeof request === 'object' && request !== null && 'headers' in request && isHeaders(request.headers)) request.headers['x-amz-content-sha256'] = payload.sha256;
      return next(args);
    }, { step: 'build', name: 'contentHash' });
    try {
      await s3.client.send(command, { abortSignal });
      return true;
    } catch (error) {
      if (onlyIfAbsent && isTaken(error)) return mayBeOurs && (await describeObject(s3, key))?.writer === writer;
      mayBeOurs = true;
      throw error;
    } finally {
      file?.destroy();
    }
  });
}

const isHeaders = (value: unknown): value is Record<string, string> => typeof value === 'object' && value !== null;

async function putParts(s3: S3Bucket, key: string, payload: Payload, onlyIfAbsent: boolean, options: S3Options): Promise<boolean> {
  const { client, bucket, endpoint } = s3;
  const writer = randomUUID();
  const target = { Bucket: bucket, Key: key };
  const request = { verb: 'write', key, right: 's3:PutObject' };
  const checksum = endpoint.isAws ? { ChecksumAlgorithm: 'CRC32' as const } : {};
  const { UploadId } = await s3.ask(request, (abortSignal) => client.send(new CreateMultipartUploadCommand({
    ...target, ...checksum, Metadata: { [writerField]: writer, [sha256Field]: payload.sha256 },
  }), { abortSignal }));
  const upload = { ...target, UploadId };
  try {
    const parts = await sendParts(s3, upload, payload, Math.max(options.partBytes, Math.ceil(payload.size / mostParts)), checksum);
    let mayBeOurs = false;
    const end = await s3.ask(request, async (abortSignal): Promise<'put' | 'taken' | 'conflict'> => {
      try {
        await client.send(new CompleteMultipartUploadCommand({
          ...upload, MultipartUpload: { Parts: parts }, ...(onlyIfAbsent && { IfNoneMatch: '*' }),
        }), { abortSignal });
        return 'put';
      } catch (error) {
        if (mayBeOurs && (isTaken(error) || isMissingUpload(error)) && (await describeObject(s3, key))?.writer === writer) return 'put';
        if (onlyIfAbsent && isTaken(error)) return 'taken';
        if (isConflict(error)) return 'conflict';
        mayBeOurs = true;
        throw error;
      }
    });
    if (end === 'put') return true;
  } catch (error) {
    await abandon(s3, upload);
    throw error;
  }
  await abandon(s3, upload);
  // Two writers met: S3 wants the upload begun again, unless the other one has won by now.
  if (onlyIfAbsent && (await describeObject(s3, key)) !== null) return false;
  return putParts(s3, key, payload, onlyIfAbsent, options);
}

interface Upload { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined }

async function sendParts(
  s3: S3Bucket, upload: Upload, payload: Payload, partBytes: number, checksum: { readonly ChecksumAlgorithm?: 'CRC32' },
): Promise<CompletedPart[]> {
  const parts: CompletedPart[] = Array.from({ length: Math.ceil(payload.size / partBytes) }, (_, i) => ({ PartNumber: i + 1 }));
  const file = typeof payload.from === 'string' ? await open(payload.from) : null;
  try {
    await mapConcurrently(parts.keys(), partsAtOnce, async (i) => {
      const from = i * partBytes;
      const size = Math.min(partBytes, payload.size - from);
      const body = payload.from instanceof Uint8Array ? payload.from.subarray(from, from + size) : await readPart(file, from, size);
      const { ETag, ChecksumCRC32 } = await s3.ask({ verb: 'write', key: upload.Key, right: 's3:PutObject', bytes: size }, (abortSignal) =>
        s3.client.send(new UploadPartCommand({ ...upload, ...checksum, PartNumber: i + 1, Body: body, ContentLength: size }), { abortSignal }));
      parts[i] = { PartNumber: i + 1, ETag, ChecksumCRC32 };
    });
  } finally {
    await file?.close();
  }
  return parts;
}

async function readPart(file: FileHandle | null, from: number, size: number): Promise<Uint8Array> {
  const bytes = Buffer.alloc(size);
  const { bytesRead } = await file?.read(bytes, 0, size, from) ?? { bytesRead: 0 };
  if (bytesRead !== size) throw new Error(`the file was cut to ${from + bytesRead} bytes while it was uploaded`);
  return bytes;
}

/** Drops the parts sent. What can't be dropped now is the bucket's lifecycle rule's to drop (docs/decisions/0011-object-stores.md). */
async function abandon(s3: S3Bucket, upload: Upload): Promise<void> {
  await s3.ask({ verb: 'drop the upload of', key: upload.Key, right: 's3:AbortMultipartUpload' }, (abortSignal) =>
    s3.client.send(new AbortMultipartUploadCommand(upload), { abortSignal })).catch(() => undefined);
}
