// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';

/** A real S3 server for tests. */
export interface S3Server {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  stop(): Promise<void>;
}

/** Hands a running server down to test processes: its endpoint, access key and secret key in JSON. */
export const serverVariable = 'ALTIPLANO_TEST_S3';

const programs = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'monmaptool', 'ceph'];

/** The programs the server needs that this machine lacks. */
export function missingPrograms(): string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return programs.filter((program) => !folders.some((folder) => isExecutable(join(folder, program))));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The test run's server, or one of our own; null, loudly, where this machine has none. */
export async function openS3Server(): Promise<S3Server | null> {
  const given = process.env[serverVariable];
  if (given !== undefined) {
    const { endpoint, accessKeyId, secretAccessKey }: Readonly<Record<'endpoint' | 'accessKeyId' | 'secretAccessKey', string>> = JSON.parse(given);
    return { endpoint, credentials: { accessKeyId, secretAccessKey }, async stop() { /* it belongs to the test run */ } };
  }
  const missing = missingPrograms();
  if (missing.length === 0) return startCeph();
  process.stderr.write(`\n*** S3 TESTS ARE SKIPPED: no ${missing.join(', ')}. Install ceph-mon, ceph-osd and radosgw (Debian's names). ***\n\n`);
  return null;
}

/** What ALTIPLANO_TEST_S3 says for a server. */
export const serverText = ({ endpoint, credentials }: S3Server): string => JSON.stringify({ endpoint, ...credentials });

/** Starts Ceph's S3 gateway with everything in memory; it ends with this process, however that ends. */
export async function startCeph(): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-ceph-'));
  const [port = 0, monitorPort = 0] = await freePorts(2);
  const credentials = { accessKeyId: `AK${randomBytes(8).toString('hex')}`, secretAccessKey: randomBytes(16).toString('hex') };
  const script = fileURLToPath(new URL('../../test/ceph-s3.sh', import.meta.url));
  const shell = spawn('/bin/sh', [script, folder, String(port), String(monitorPort), credentials.accessKeyId, credentials.secretAccessKey], {
    // In a session of its own: Ctrl-C reaches the test run, whose end is the server's.
    stdio: ['pipe', 'pipe', 'ignore'], detached: true,
  });
  const ended = once(shell, 'exit');
  shell.stdin.on('error', () => { /* the shell is gone, which `ended` tells */ });
  const stop = async (): Promise<void> => {
    shell.ref();
    shell.stdin.end();
    await ended;
  };
  const endpoint = `http://127.0.0.1:${port}`;
  const isReady = await Promise.race([once(shell.stdout, 'data').then(() => answers(endpoint)), ended.then(() => false), delay(90_000, false, { ref: false })]);
  if (!isReady) {
    const log = await readFile(join(folder, 'daemons.log'), 'utf8').catch(() => '(its log is gone)');
    await stop();
    throw new Error(`the S3 server did not start:\n${log.slice(-2000)}`);
  }
  // The server must not keep the test run alive.
  shell.unref();
  for (const pipe of [shell.stdin, shell.stdout]) if ('unref' in pipe && typeof pipe.unref === 'function') pipe.unref();
  return { endpoint, credentials, stop };
}

async function answers(endpoint: string): Promise<boolean> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await delay(50)) {
    if (await fetch(endpoint).then(() => true, () => false)) return true;
  }
  return false;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }));
  return Promise.all(servers.map(async (server) => {
    const address = server.address();
    server.close();
    await once(server, 'close');
    return typeof address === 'object' && address !== null ? address.port : 0;
  }));
}

/** Makes a bucket nobody else uses. */
export async function newBucket(server: S3Server): Promise<string> {
  const bucket = `test-${randomBytes(8).toString('hex')}`;
  await asking(server, (client) => client.send(new CreateBucketCommand({ Bucket: bucket })));
  return bucket;
}

/** Uploads in parts that were begun below a prefix and neither completed nor given up, by key. */
export function unfinishedUploads(server: S3Server, bucket: string, prefix: string): Promise<string[]> {
  return asking(server, async (client) => {
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }));
    return (Uploads ?? []).map(({ Key }) => Key ?? '');
  });
}

async function asking<T>({ endpoint, credentials }: S3Server, ask: (client: S3Client) => Promise<T>): Promise<T> {
  // As connectS3: what Node the pinned client runs on is ours to say.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
  try {
    return await ask(client);
  } finally {
    client.destroy();
  }
}
