// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { type NatsConnection, type NodeConnectionOptions, connect } from '@nats-io/transport-node';
import { AccessDeniedError, type AltiplanoError, InputError, ServiceUnavailableError, messageOf } from '../src/errors.js';
import { type BusRole, inboxPrefixOf } from '../src/subjects.js';
import { type NatsAuth, type NatsTls, authenticatorOf, checkTls } from './nats-credentials.js';

/** Where the bus is and how to get in. */
export interface NatsAccess {
  /** 'nats://host:port' or 'tls://host:port', several separated by commas. One tls:// makes TLS a must for all. */
  readonly servers: string;
  readonly auth?: NatsAuth;
  /** Given, even empty, it makes TLS a must. Servers that demand TLS get it in any case. */
  readonly tls?: NatsTls;
  /** Subject below which this program gets its answers; default: that of its role. */
  readonly inboxPrefix?: string;
}

export interface NatsConnectOptions extends NatsAccess {
  /** Shown by the server's monitoring. */
  readonly name?: string;
  /** What the program is; its permission set goes with it. Default: coordinator. */
  readonly role?: BusRole;
  /** How long to try for the first connection; afterwards the client reconnects for ever. */
  readonly connectTimeoutMs?: number;
  /** How long a server may refuse us after we were connected once, as while credentials are changed. */
  readonly refusedPatienceMs?: number;
  readonly signal?: AbortSignal;
  /** Told what the connection survives by itself: disconnections, and subjects that this account may not use. */
  readonly onProblem?: (problem: AltiplanoError) => void;
  /** Told once when the connection is given up: the server refuses us and goes on doing so. */
  readonly onLost?: (reason: AltiplanoError) => void;
}

const retryPauseMs = 250;
/** Before another try of a lost connection: at least, and at most so much more, lest a thousand agents come back at once. */
const [reconnectPauseMs, reconnectJitterMs] = [250, 250];
const refusedPatienceMs = 60_000;

export const natsInboxPrefix = ({ inboxPrefix, role }: NatsConnectOptions): string => inboxPrefix ?? inboxPrefixOf(role ?? 'coordinator');

/**
 * Connects to NATS, and tries for connectTimeoutMs where no server answers: then ServiceUnavailableError. What trying again can't mend is an
 * InputError at once: wrong credentials, a certificate that is expired or of an unknown authority, a file that can't be read. On abort the signal's
 * reason is thrown.
 */
export async function connectToNats(options: NatsConnectOptions): Promise<NatsConnection> {
  const client = await clientOptionsOf(options);
  const deadline = performance.now() + (options.connectTimeoutMs ?? 30_000);
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      return await connect(client);
    } catch (cause) {
      const refusal = refusalIn(cause, options) ?? (/timeout/i.test(messageOf(cause)) ? await certificateRefusal(client, options) : null);
      if (refusal !== null) throw refusal;
      if (performance.now() > deadline) throw new ServiceUnavailableError(`bus ${options.servers}: ${messageOf(cause)}`, cause);
      // An abort is thrown at the loop's head, with its reason: who gave the signal knows its own end by that.
      await delay(retryPauseMs, undefined, options.signal ? { signal: options.signal } : {}).catch(() => undefined);
    }
  }
}

export interface ConnectionEvents {
  onReconnect(): void;
  /** The account may not publish to this subject, or subscribe to it. */
  onDenied(subject: string, problem: AccessDeniedError): void;
}

/** Reports what happens to a connection, until it is closed. Gives it up where the server refuses us for refusedPatienceMs. */
export async function watchConnection(nc: NatsConnection, options: NatsConnectOptions, events: ConnectionEvents): Promise<void> {
  const report = options.onProblem ?? ((): void => undefined);
  let away: AbortController | null = null;
  for await (const status of nc.status()) {
    if (status.type === 'disconnect') {
      report(new ServiceUnavailableError(`bus: connection to ${status.server} lost, reconnecting`));
      if (away === null) {
        away = new AbortController();
        void giveUpWhereRefused(nc, options, away.signal);
      }
    } else if (status.type === 'reconnect') {
      away?.abort();
      away = null;
      events.onReconnect();
    } else if (status.type === 'error' && 'operation' in status.error && 'subject' in status.error) {
      const { operation, subject } = status.error;
      const verb = operation === 'publish' ? 'publish to' : 'subscribe to';
      const problem = new AccessDeniedError(
        `bus: this account may not ${verb} ${String(subject)}; give it the permission set '${options.role ?? 'coordinator'}'`, status.error);
      report(problem);
      events.onDenied(String(subject), problem);
    }
  }
  away?.abort();
}

/** The client reconnects for ever and doesn't say why it can't; a connection of our own finds out. */
async function giveUpWhereRefused(nc: NatsConnection, options: NatsConnectOptions, back: AbortSignal): Promise<void> {
  const patience = options.refusedPatienceMs ?? refusedPatienceMs;
  let refusedSince: number | null = null;
  for (;;) {
    await delay(Math.min(5_000, patience / 4), undefined, { signal: back, ref: false }).catch(() => undefined);
    if (back.aborted || nc.isClosed()) return;
    const refusal = await refusalNow(options);
    if (back.aborted || nc.isClosed()) return;
    if (refusal === null) {
      refusedSince = null;
      continue;
    }
    if (refusedSince === null) options.onProblem?.(refusal);
    refusedSince ??= performance.now();
    if (performance.now() - refusedSince < patience) continue;
    options.onLost?.(refusal);
    return nc.close();
  }
}

async function refusalNow(options: NatsConnectOptions): Promise<InputError | null> {
  try {
    const client = await clientOptionsOf(options);
    const probe = await connect({ ...client, reconnect: false }).catch(async (error: unknown) => {
      throw refusalIn(error, options) ?? (await certificateRefusal(client, options)) ?? error;
    });
    await probe.close();
    return null;
  } catch (error) {
    return refusalIn(error, options);
  }
}

/**
 * Whether the server refuses our certificate, or wants one. By TLS 1.3 it says so after the handshake, where the client hears nothing but
 * silence; by 1.2 in its midst.
 */
async function certificateRefusal(client: NodeConnectionOptions, options: NatsConnectOptions): Promise<InputError | null> {
  const tls = { ...client.tls, maxVersion: 'TLSv1.2' };
  try {
    const probe = await connect({ ...client, tls, reconnect: false });
    await probe.close();
    return null;
  } catch (error) {
    return /ALERT_.*(CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE)/.test(codeIn(error)) ? refusalIn(error, options) : null;
  }
}

/**
 * Pauses by durations. The client's own (3.4.0) count from the time of day of the last connection: a clock set back by an hour keeps a
 * program away for that hour. No time of day is before the first of these, and the second says how long to pause.
 */
const reconnecting: Pick<NodeConnectionOptions, 'reconnectDelayHandler' | 'reconnectToServer'> = {
  reconnectDelayHandler: () => -Infinity,
  reconnectToServer: ([next]) => (next === undefined || next.lastConnect === 0 ? null : { server: next, delay: reconnectPauseMs + Math.random() * reconnectJitterMs }),
};

/** In any order, so that a cluster's servers share its agents. */
const shuffled = (servers: readonly string[]): string[] =>
  servers.map((server) => ({ server, at: Math.random() })).toSorted((a, b) => a.at - b.at).map(({ server }) => server);

async function clientOptionsOf(options: NatsConnectOptions): Promise<NodeConnectionOptions> {
  const servers = options.servers.split(',').map((server) => server.trim()).filter((server) => server !== '');
  if (servers.length === 0) throw new InputError('no NATS server given; give nats://host:port');
  if (servers.some((server) => server.includes('@'))) {
    throw new InputError('NATS servers: credentials in a URL end in logs; give them by NATS_USER and NATS_PASSWORD, or NATS_PASSWORD_FILE');
  }
  const authenticator = options.auth === undefined ? undefined : await authenticatorOf(options.auth);
  const tls = options.tls ?? (servers.some((server) => server.startsWith('tls://')) ? {} : null);
  if (tls !== null) await checkTls(tls);
  return {
    servers: shuffled(servers), name: options.name ?? 'altiplano', inboxPrefix: natsInboxPrefix(options), maxReconnectAttempts: -1,
    pingInterval: 10_000, maxPingOut: 3, timeout: 5_000, noAsyncTraces: true, ignoreAuthErrorAbort: true, ...reconnecting,
    // Of a name's addresses the client reports what the last one said: in the system's order, 127.0.0.1 comes after ::1.
    noRandomize: true,
    ...(authenticator && { authenticator }), ...(tls && { tls }),
  };
}

/** An error that trying again can't mend; null: any other. */
function refusalIn(error: unknown, { servers }: NatsConnectOptions): InputError | null {
  if (error instanceof InputError) return error;
  const [message, code] = [messageOf(error), codeIn(error)];
  const told = (fix: string): InputError => new InputError(`bus ${servers}: ${message}; ${fix}`, error);
  if (/authorization violation|authentication expired/i.test(message)) return told('check the credentials');
  if (/CERT_HAS_EXPIRED/.test(code)) return told("renew the server's certificate");
  if (/SELF_SIGNED|UNABLE_TO_(VERIFY|GET)/.test(code)) return told('give the certificate of its authority by --nats-ca (NATS_CA)');
  if (/ALTNAME/.test(code)) return told("address the server by the name that is in its certificate, not by an IP address");
  if (/ALERT/.test(code)) return told("the server wants a certificate it trusts: give one by --nats-cert and --nats-key (NATS_CERT, NATS_KEY)");
  if (/CERT_|_SSL_|ERR_OSSL/.test(code)) return told('check the TLS certificates and keys');
  return /\btls\b/i.test(message) ? told('check whether the server speaks TLS: nats:// or tls://') : null;
}

/** The codes of an error and its causes. */
const codeIn = (error: unknown): string =>
  (error instanceof Error ? `${'code' in error ? String(error.code) : ''} ${codeIn(error.cause)}` : '');
