// SPDX-License-Identifier: Apache-2.0
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { InputError } from '../src/errors.js';

/** How to reach a bucket, where the AWS variables and files don't say it. */
export interface S3Settings {
  /** http(s)://host[:port]; default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's endpoint_url, AWS. */
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string };
  /** http://host/bucket/key instead of http://bucket.host/key; default: ALTIPLANO_S3_PATH_STYLE, else for all but AWS. */
  readonly pathStyle?: boolean;
  readonly connectTimeoutMs: number;
  /** Longest silence of a connection in use; default: ALTIPLANO_S3_TIMEOUT (in seconds), else 20 s. */
  readonly idleTimeoutMs?: number;
}

/** Where requests for a bucket go. */
export interface S3Endpoint {
  /** host[:port], without the bucket. */
  readonly host: string;
  readonly isTls: boolean;
  readonly isPathStyle: boolean;
  readonly isAws: boolean;
  /** For messages. */
  readonly url: string;
}

export interface S3Connection {
  readonly client: S3Client;
  readonly endpoint: S3Endpoint;
  readonly region: string;
  readonly idleTimeoutMs: number;
}

/**
 * Makes a client for a bucket, by AWS's own variables and files. Nothing is asked over the network. Servers other than AWS are addressed
 * by path and get no checksum headers unless they ask: many don't know them. The client doesn't retry: we do, with the body's transfer.
 * Throws InputError for an endpoint that isn't a plain http(s)://host[:port].
 */
export async function connectS3(bucket: string, settings: S3Settings): Promise<S3Connection> {
  const style = settings.pathStyle ?? pathStyleOf(process.env['ALTIPLANO_S3_PATH_STYLE']);
  const idleTimeoutMs = settings.idleTimeoutMs ?? timeoutMsOf(process.env['ALTIPLANO_S3_TIMEOUT']) ?? 20_000;
  const sockets = { keepAlive: true, maxSockets: 64 };
  const make = (forcePathStyle: boolean, isAws: boolean, region: string | undefined, credentials = settings.credentials): S3Client => new S3Client({
    ...(settings.endpoint !== undefined && { endpoint: settings.endpoint }),
    ...(region !== undefined && { region }),
    ...(credentials !== undefined && { credentials }),
    forcePathStyle,
    logger: silent,
    followRegionRedirects: true,
    maxAttempts: 1,
    requestChecksumCalculation: isAws ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED',
    responseChecksumValidation: isAws ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: settings.connectTimeoutMs, socketTimeout: idleTimeoutMs,
      httpAgent: new HttpAgent(sockets), httpsAgent: new HttpsAgent(sockets),
    },
  });
  // The client's version is pinned, and what Node it runs on is ours to say: its advice on that is not for our users.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const probe = make(style ?? false, false, settings.region);
  // Only AWS needs to be told where a bucket lives.
  const region = await probe.config.region().catch(() => 'us-east-1');
  probe.destroy();
  // What is never sent needs no credentials, and shall not look for any.
  const plain = make(style ?? false, false, region, { accessKeyId: 'none', secretAccessKey: 'none' });
  const endpoint = await endpointOf(plain, bucket);
  plain.destroy();
  const isPathStyle = style ?? (endpoint.isPathStyle || !endpoint.isAws);
  return { client: make(isPathStyle, endpoint.isAws, region), endpoint: { ...endpoint, isPathStyle }, region, idleTimeoutMs };
}

/** What goes wrong is told by errors; the client's own remarks on it would end up on the console. */
const silent = { trace() { /* silent */ }, debug() { /* silent */ }, info() { /* silent */ }, warn() { /* silent */ }, error() { /* silent */ } };

/** Asks the client where it would send a request: variables, profiles, regions and dual stack have their say. */
async function endpointOf(client: S3Client, bucket: string): Promise<S3Endpoint> {
  let asked: unknown;
  const command = new HeadObjectCommand({ Bucket: bucket, Key: 'key' });
  command.middlewareStack.add(() => (args) => {
    asked = args.request;
    return Promise.resolve({ output: { $metadata: {} }, response: {} });
  }, { step: 'build', name: 'answerInstead' });
  await client.send(command);
  const { protocol, hostname, port, path } = requestOf(asked);
  const hasBucket = hostname.startsWith(`${bucket}.`);
  const host = `${hasBucket ? hostname.slice(bucket.length + 1) : hostname}${port === undefined ? '' : `:${port}`}`;
  const url = `${protocol}//${host}`;
  if (!/^https?:$/.test(protocol) || path !== (hasBucket ? '/key' : `/${bucket}/key`)) {
    throw new InputError(`store s3://${bucket}: the endpoint ${url}${path} isn't of the form http(s)://host[:port]; check AWS_ENDPOINT_URL`);
  }
  return { host, isTls: protocol === 'https:', isPathStyle: !hasBucket, isAws: /\.amazonaws\.com(\.cn)?$/.test(hostname), url };
}

interface AskedRequest { readonly protocol: string; readonly hostname: string; readonly port?: number; readonly path: string }

function requestOf(value: unknown): AskedRequest {
  const isRequest = (request: unknown): request is AskedRequest =>
    typeof request === 'object' && request !== null && 'protocol' in request && 'hostname' in request && 'path' in request;
  if (!isRequest(value)) throw new Error('the S3 client built no HTTP request');
  return value;
}

function pathStyleOf(text: string | undefined): boolean | undefined {
  if (text === undefined || text === '') return undefined;
  if (text === 'true' || text === 'false') return text === 'true';
  throw new InputError(`ALTIPLANO_S3_PATH_STYLE: expected true or false but received ${text}`);
}

function timeoutMsOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const seconds = Number(text);
  if (seconds >= 1 && seconds <= 3600) return seconds * 1000;
  throw new InputError(`ALTIPLANO_S3_TIMEOUT: expected 1 to 3600 seconds but received ${text}`);
}
