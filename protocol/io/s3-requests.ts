// SPDX-License-Identifier: Apache-2.0
import { type Readable, addAbortSignal } from 'node:stream';
import { type S3Connection, type S3Settings, connectS3 } from './s3-client.js';
import { DamagedAnswerError, isTransient, ourError } from './s3-errors.js';
import { type RetryPolicy, withRetries } from './retry.js';
import { timeLimit } from './time-limit.js';

export interface S3Options extends S3Settings {
  readonly retry: RetryPolicy;
  /** Longest time of one try without a body; a body gets as long again as it takes at 1 MB/s. Default: half as long again as a silence may last. */
  readonly requestTimeoutMs?: number;
  /** Files from this size on are uploaded in parts of partBytes (S3 wants 5 MiB at least). */
  readonly partsFromBytes: number;
  readonly partBytes: number;
  /** Whether the server takes If-None-Match when an upload in parts is completed; default: AWS does. */
  readonly conditionOnParts?: boolean;
}

export const s3Defaults: S3Options = {
  connectTimeoutMs: 5_000,
  retry: { attempts: 8, firstMs: 200, mostMs: 10_000 },
  partsFromBytes: 64 << 20, partBytes: 16 << 20,
};

export interface S3Request {
  /** For messages: what was to be done, with which object, and the right it takes. */
  readonly verb: string;
  readonly key: string;
  readonly right: string;
  /** Bytes that travel, at most. */
  readonly bytes?: number;
  readonly signal?: AbortSignal;
}

/** A bucket, and how it is asked: every request with time limits, tried again where that can help, its errors ours. */
export interface S3Bucket extends S3Connection {
  readonly bucket: string;
  ask<T>(request: S3Request, run: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

/** Makes ready to ask a bucket's server; nothing is sent yet. Throws InputError as connectS3 does. */
export async function openBucket(bucket: string, options: S3Options): Promise<S3Bucket> {
  const connection = await connectS3(bucket, options);
  const requestTimeoutMs = options.requestTimeoutMs ?? 1.5 * connection.idleTimeoutMs;
  return {
    ...connection, bucket,
    async ask({ bytes = 0, signal, ...operation }, run) {
      const tryOnce = async () => {
        const limitMs = Math.ceil(requestTimeoutMs + bytes / 1000);
        const limit = timeLimit(limitMs);
        try {
          return await run(signal === undefined ? limit.signal : AbortSignal.any([signal, limit.signal]));
        } catch (error) {
          if (limit.signal.aborted && signal?.aborted !== true) throw new DamagedAnswerError(`no whole answer within ${(limitMs / 1000).toFixed(0)} s`, { cause: error });
          throw error;
        } finally {
          limit.clear();
        }
      };
      try {
        return await withRetries(tryOnce, isTransient, options.retry, signal);
      } catch (error) {
        throw ourError(error, { ...operation, bucket, endpoint: connection.endpoint.url });
      }
    },
  };
}

/** The bytes of an answer's body. Throws DamagedAnswerError where they aren't as many as the answer said. */
export async function bytesOf(body: unknown, announced: number | undefined, signal: AbortSignal): Promise<Uint8Array> {
  if (!isReadable(body)) throw new DamagedAnswerError('an answer without a body');
  const chunks: Uint8Array[] = [];
  for await (const chunk of addAbortSignal(signal, body)) if (chunk instanceof Uint8Array) chunks.push(chunk);
  const bytes = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  if (announced !== undefined && bytes.length !== announced) throw new DamagedAnswerError(`${bytes.length} bytes of ${announced} arrived`);
  return bytes;
}

const isReadable = (body: unknown): body is Readable => typeof body === 'object' && body !== null && Symbol.asyncIterator in body && 'destroy' in body;
