// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, type ServerResponse, Agent, createServer, request as httpRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * What can befall a request on its way to a store and back:
 * `503` SlowDown, `500` InternalError, `409` ConditionalRequestConflict, `412` PreconditionFailed, and the store hears nothing; `refused`: the connection is cut before the store hears of it;
 * `torn`: the connection is cut in the middle of the request's body; `lost`: the store does it, and the connection is cut instead of its answer;
 * `cut`: in the middle of the answer's body; `silent`: the store does it, and no answer ever comes; `stalled`: half of the answer's body, then silence;
 * `slow`: the answer comes after a while, and the second half of its body after another; `garbled`: the body's last byte is another.
 */
export type Fault = '503' | '500' | '409' | '412' | 'refused' | 'torn' | 'lost' | 'cut' | 'silent' | 'stalled' | 'slow' | 'garbled';

export interface ProxiedRequest { readonly method: string; readonly path: string; readonly headers: IncomingMessage['headers'] }

export interface FaultyProxy {
  readonly endpoint: string;
  /** Every request, and what befell it. */
  readonly requests: readonly (ProxiedRequest & { readonly fault: Fault | null })[];
  close(): Promise<void>;
}

/** A proxy to an HTTP server; `faultOf` says what befalls each request (null: nothing). */
export async function openFaultyProxy(target: string, faultOf: (request: ProxiedRequest, number: number) => Fault | null): Promise<FaultyProxy> {
  const { hostname, port } = new URL(target);
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const requests: (ProxiedRequest & { fault: Fault | null })[] = [];
  const server = createServer((incoming, answer) => {
    const seen = { method: incoming.method ?? '', path: incoming.url ?? '', headers: incoming.headers };
    const fault = faultOf(seen, requests.length);
    requests.push({ ...seen, fault });
    if (fault === 'refused') { incoming.destroy(); return; }
    const code = fault === null ? undefined : refusals[fault];
    if (code !== undefined) { refuse(incoming, answer, Number(fault), code); return; }
    // Headers go on as they came: the host is part of what is signed.
    const outgoing = httpRequest({ hostname, port, agent, method: seen.method, path: seen.path, headers: seen.headers }, (response) => {
      void relay(response, answer, fault).catch(() => { answer.destroy(); });
    });
    outgoing.on('error', () => { answer.destroy(); });
    incoming.on('error', () => { outgoing.destroy(); });
    if (fault === 'torn') tear(incoming, outgoing);
    else incoming.pipe(outgoing);
  });
  server.on('checkContinue', (incoming: IncomingMessage, answer: ServerResponse) => {
    answer.writeContinue();
    delete incoming.headers.expect;
    server.emit('request', incoming, answer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    endpoint: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    requests,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
}

const refusals: Readonly<Partial<Record<Fault, string>>> = { 503: 'SlowDown', 500: 'InternalError', 409: 'ConditionalRequestConflict', 412: 'PreconditionFailed' };

function refuse(incoming: IncomingMessage, answer: ServerResponse, status: number, code: string): void {
  incoming.resume();
  incoming.on('end', () => {
    answer.writeHead(status, { 'content-type': 'application/xml' });
    answer.end(incoming.method === 'HEAD' ? undefined : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>made by the test</Message></Error>`);
  });
}

/** Passes on half of a request's body and cuts both connections: the other side must not take the half for the whole. */
function tear(incoming: IncomingMessage, outgoing: ClientRequest): void {
  const size = Number(incoming.headers['content-length'] ?? 0);
  let passed = 0;
  const cut = (): void => {
    outgoing.destroy();
    incoming.destroy();
  };
  incoming.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, Math.max(0, (size >> 1) - passed));
    passed += chunk.length;
    if (part.length > 0) outgoing.write(part);
    if (2 * passed >= size) setTimeout(cut, 5);
  });
  incoming.on('end', cut);
}

const slowMs = 400;

async function relay(response: IncomingMessage, answer: ServerResponse, fault: Fault | null): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (fault === 'lost') { answer.destroy(); return; }
  if (fault === 'silent') return;
  if (fault === 'slow') await delay(slowMs);
  answer.writeHead(response.statusCode ?? 502, response.headers);
  if (fault === 'cut' || fault === 'stalled') {
    answer.write(body.subarray(0, body.length >> 1), () => { if (fault === 'cut') answer.destroy(); });
    if (body.length < 2) answer.destroy();
    return;
  }
  if (fault === 'slow' && body.length > 1) {
    answer.write(body.subarray(0, body.length >> 1));
    await delay(slowMs);
    answer.end(body.subarray(body.length >> 1));
    return;
  }
  if (fault === 'garbled' && body.length > 0) body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
  answer.end(body);
}

/** Faults for a share of the requests, the same ones for the same seed. */
export function seededFaults(seed: number, share: number, faults: readonly Fault[]): () => Fault | null {
  let state = seed >>> 0;
  // Marsaglia, Xorshift RNGs, Journal of Statistical Software 2003.
  const random = (): number => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
  return () => (random() < share ? faults[Math.floor(random() * faults.length)] ?? null : null);
}
