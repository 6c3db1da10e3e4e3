// SPDX-License-Identifier: Apache-2.0
import { setMaxListeners } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type JetStreamManager, StorageType, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import {
  type Authenticator, type Msg, type MsgHdrs, type NatsConnection, connect, credsAuthenticator, headers, nuid, tokenAuthenticator, usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import {
  type AltiplanoError, InputError, MalformedMessageError, ServiceUnavailableError, type TaskEvent, type TaskKind, agentsBucket, deadFilter,
  deadStream, deadSubject, encodeMessage, eventFilter, eventSubject, parseDeadLetter, parseTaskEvent, taskConsumer, taskKinds, taskSubject,
  tasksStream,
} from '../src/index.js';
import { mapConcurrently } from './map-concurrently.js';
import { openOutbox } from './nats-outbox.js';
import { deliveryOf, messageIdOf, openPuller } from './nats-pull.js';
import { openRequests, statusOf } from './nats-requests.js';
import { ensureStreams } from './nats-streams.js';
import type { TaskQueue } from './task-queue.js';

export interface NatsQueueOptions {
  /** 'nats://host:port', several separated by commas. */
  readonly servers: string;
  /** Shown by the server's monitoring. */
  readonly name?: string;
  readonly token?: string;
  readonly user?: string;
  readonly password?: string;
  /** Path of a .creds file (JWT and key). */
  readonly credsFile?: string;
  /** How long a task stays with an agent that gives no sign of life. */
  readonly ackWaitMs?: number;
  /** How long to try for the first connection; afterwards the queue reconnects for ever. */
  readonly connectTimeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Told what the queue survives by itself: disconnections, unreadable events. */
  readonly onProblem?: (problem: AltiplanoError) => void;
}

const publishesInFlight = 256;
const retryPauseMs = 250;
const presenceMs = 30_000;
/** How long an agent goes on with the kind it found work of before it asks for preferable ones again: a tile's time, and each question costs the bus as much as a task. */
const sameKindMs = 1_000;

/**
 * The task queue on NATS JetStream (nats-server 2.9 and later). Call `ensure` once before use. Throws
 * ServiceUnavailableError where no server answers within connectTimeoutMs.
 */
export async function openNatsQueue(options: NatsQueueOptions): Promise<TaskQueue> {
  const nc = await connectWithin(options);
  const js = jetstream(nc);
  const manager = await available('JetStream', () => jetstreamManager(nc, { checkAPI: false }));
  const closing = new AbortController();
  setMaxListeners(0, closing.signal); // one per queue call that waits
  const outbox = openOutbox(nc);
  const requests = openRequests(nc, outbox);
  const puller = openPuller(nc, outbox);
  const report = options.onProblem ?? ((): void => undefined);
  let presence: Promise<KV> | null = null;
  let lastKind: { readonly kind: TaskKind; readonly until: number } | null = null;

  // What waited for an answer when the connection broke is lost, or its answer is: ask again.
  void watchConnection(nc, report, () => {
    requests.giveUp();
    puller.wake();
  });

  const ensure = (): Promise<void> => available('streams', () => ensureStreams(manager, options.ackWaitMs ?? 15_000));
  /** Gives the bus a moment, then makes what it may have lost with its state. */
  async function recover(signal?: AbortSignal): Promise<void> {
    const stop = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
    await delay(retryPauseMs, undefined, { signal: stop }).catch(() => undefined);
    if (!stop.aborted) await ensure().catch(report);
  }
  const openPresence = (): Promise<KV> => {
    presence ??= new Kvm(js).create(agentsBucket, { ttl: presenceMs, history: 1, storage: StorageType.Memory }).catch((error: unknown) => {
      presence = null;
      throw error;
    });
    return presence;
  };

  const throwIfStopped = (signal?: AbortSignal): void => {
    signal?.throwIfAborted();
    closing.signal.throwIfAborted();
  };

  /** Publishes once, whatever it takes: the same message id makes repeats after a lost answer harmless. */
  async function publish(subject: string, bytes: Uint8Array, signal?: AbortSignal, task?: { readonly kind: TaskKind; readonly msgID: string }): Promise<void> {
    let messageHeaders: MsgHdrs | undefined;
    if (task !== undefined) {
      messageHeaders = headers();
      messageHeaders.set('Nats-Msg-Id', task.msgID);
    }
    for (;;) {
      throwIfStopped(signal);
      const answer = await requests.ask(subject, bytes, { headers: messageHeaders, signal });
      throwIfStopped(signal);
      if (nc.isClosed()) throw new ServiceUnavailableError(`bus: closed while publishing ${subject}`);
      const refusal = answer === null || statusOf(answer) !== null ? 'unanswered' : refusalIn(answer);
      if (refusal === null) return;
      if (refusal !== 'unanswered' && task !== undefined && /per subject/.test(refusal.description)) {
        if (await isSameTask(manager, tasksStream(task.kind), subject, task.msgID)) return;
        continue;
      }
      if (refusal !== 'unanswered' && refusal.code === 400) throw new ServiceUnavailableError(`bus: refuses ${subject}: ${refusal.description}`);
      // Away, or without its streams, as after a loss of its state.
      await recover(signal);
    }
  }

  async function pullTask(kinds: readonly TaskKind[], waitMs: number, signal: AbortSignal): ReturnType<TaskQueue['pullTask']> {
    const now = performance.now();
    const warm = lastKind !== null && lastKind.until > now && kinds.includes(lastKind.kind) ? lastKind.kind : null;
    // One kind after the other without waiting, so that the first kind with work wins; then all at once.
    const rounds: { readonly some: readonly TaskKind[]; readonly patience: number }[] = [
      ...(warm === null ? [] : [warm]), ...kinds.filter((kind) => kind !== warm)].map((kind) => ({ some: [kind], patience: 0 }));
    if (waitMs > 0) rounds.push({ some: kinds, patience: waitMs });
    const onStop = (): void => { puller.wake(); };
    signal.addEventListener('abort', onStop);
    try {
      for (const { some, patience } of rounds) {
        if (signal.aborted || closing.signal.aborted) return null;
        const pulled = await puller.pull(some, patience);
        if (pulled.is === 'unanswered') {
          await recover(signal);
          return null;
        }
        if (pulled.is === 'none') continue;
        const kind = kinds.find((candidate) => pulled.message.subject.startsWith(taskSubject(candidate, '', '').slice(0, -1)));
        if (kind !== undefined && kind !== warm) lastKind = { kind, until: now + sameKindMs };
        return deliveryOf(outbox, requests, pulled.message);
      }
      return null;
    } finally {
      signal.removeEventListener('abort', onStop);
    }
  }

  async function* events(sceneId: string, signal: AbortSignal, which: 'all' | 'ends' = 'all'): AsyncGenerator<TaskEvent> {
    const stop = AbortSignal.any([signal, closing.signal]);
    if (stop.aborted) return;
    // The client makes the subscription again after a lost connection.
    const messages = nc.subscribe(eventFilter(sceneId, which));
    const end = (): void => { messages.unsubscribe(); };
    stop.addEventListener('abort', end);
    try {
      for await (const message of messages) {
        const event = readable(() => parseTaskEvent(message.data), report);
        if (event !== null) yield event;
        if (stop.aborted) return;
      }
    } finally {
      stop.removeEventListener('abort', end);
      end();
    }
  }

  return {
    ensure,
    pullTask,
    events,
    async publishTasks(tasks, signal) {
      // One round per call: a repeat within the call is recognised by its message id, one in a later call by
      // its subject while the task is queued. So replaying a task that ended works at once, in no window.
      const round = nuid.next();
      if (signal !== undefined) setMaxListeners(0, signal); // one per publish in flight
      await mapConcurrently(tasks, publishesInFlight, (task) =>
        publish(taskSubject(task.kind, task.sceneId, task.taskId), encodeMessage(task), signal, { kind: task.kind, msgID: messageIdOf(task, round) }));
    },
    async publishEvent(event, signal) {
      throwIfStopped(signal);
      outbox.send(eventSubject(event.sceneId, event.type), encodeMessage(event));
    },
    publishDead: (letter, signal) => publish(deadSubject(letter.sceneId, letter.taskId), encodeMessage(letter), signal),
    deadLetters: (sceneId) => available('dead letters', async () => {
      const consumer = await js.consumers.get(deadStream, { filter_subjects: deadFilter(sceneId) });
      const count = (await consumer.info()).num_pending;
      const letters = [];
      if (count > 0) {
        for await (const message of await consumer.fetch({ max_messages: count, expires: 5_000 })) {
          const letter = readable(() => parseDeadLetter(message.data), report);
          if (letter !== null) letters.push(letter);
        }
      }
      return letters;
    }),
    depth: () => available('depth', async () => {
      const depth: Record<TaskKind, number> = { ingest: 0, align: 0, coarse: 0, stereo: 0 };
      for (const kind of taskKinds) depth[kind] = (await manager.consumers.info(tasksStream(kind), taskConsumer(kind))).num_pending;
      return depth;
    }),
    announceAgent: (id, info) => available('presence', async () => {
      await (await openPresence()).put(id, JSON.stringify(info)).catch((error: unknown) => {
        presence = null; // the bucket may have gone with the bus's state
        throw error;
      });
    }),
    agents: () => available('presence', async () => {
      const bucket = await openPresence();
      const found = new Map<string, Readonly<Record<string, unknown>>>();
      const ids: string[] = [];
      for await (const id of await bucket.keys()) ids.push(id);
      for (const id of ids) {
        const entry = await bucket.get(id);
        if (entry?.operation === 'PUT') found.set(id, entry.json<Record<string, unknown>>());
      }
      return found;
    }),
    async close() {
      closing.abort(new ServiceUnavailableError('bus: the queue was closed'));
      requests.giveUp();
      puller.wake();
      outbox.flush();
      if (nc.isClosed()) return;
      // Draining sends what is buffered, which needs a server; away, there is nothing to wait for.
      await Promise.race([nc.drain().catch(() => undefined), delay(2_000, undefined, { ref: false })]);
      await nc.close();
    },
  };
}

async function connectWithin(options: NatsQueueOptions): Promise<NatsConnection> {
  const servers = options.servers.split(',').map((server) => server.trim()).filter((server) => server !== '');
  if (servers.length === 0) throw new InputError('no NATS server given; give nats://host:port');
  const authenticator = await authenticatorOf(options);
  const deadline = Date.now() + (options.connectTimeoutMs ?? 30_000);
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      return await connect({
        servers, name: options.name ?? 'altiplano', maxReconnectAttempts: -1, reconnectTimeWait: 250, reconnectJitter: 250,
        pingInterval: 10_000, maxPingOut: 3, timeout: 5_000, noAsyncTraces: true, ...(authenticator && { authenticator }),
      });
    } catch (cause) {
      const message = messageOf(cause);
      if (/authorization|authentication/i.test(message)) throw new InputError(`bus ${options.servers}: ${message}; check the credentials`, cause);
      if (Date.now() > deadline) throw new ServiceUnavailableError(`bus ${options.servers}: ${message}`, cause);
      await delay(retryPauseMs, undefined, options.signal ? { signal: options.signal } : {});
    }
  }
}

async function authenticatorOf(options: NatsQueueOptions): Promise<Authenticator | null> {
  if (options.credsFile !== undefined) {
    const creds = await readFile(options.credsFile).catch((cause: unknown) => {
      throw new InputError(`credentials ${options.credsFile}: can't be read`, cause);
    });
    return credsAuthenticator(creds);
  }
  if (options.token !== undefined) return tokenAuthenticator(options.token);
  return options.user === undefined ? null : usernamePasswordAuthenticator(options.user, options.password);
}

/** Ends when the connection is closed for good. */
async function watchConnection(nc: NatsConnection, report: (problem: AltiplanoError) => void, onReconnect: () => void): Promise<void> {
  for await (const status of nc.status()) {
    if (status.type === 'disconnect') report(new ServiceUnavailableError(`bus: connection to ${status.server} lost, reconnecting`));
    if (status.type === 'reconnect') onReconnect();
  }
}

/** Runs a call to the server and names what failed. */
async function available<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw new ServiceUnavailableError(`bus: ${what}: ${messageOf(cause)}`, cause);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function readable<T>(parse: () => T, report: (problem: AltiplanoError) => void): T | null {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof MalformedMessageError)) throw error;
    report(error);
    return null;
  }
}

/** Why the server did not take a message; null: it did. */
function refusalIn(answer: Msg): { readonly code: number; readonly description: string } | null {
  const { error } = answer.json<{ readonly error?: { readonly code?: number; readonly description?: string } }>();
  return error === undefined ? null : { code: error.code ?? 0, description: error.description ?? 'no reason given' };
}

/** Whether the task waiting under a subject is the one to publish; another one, of an older plan, is taken away. */
async function isSameTask(manager: JetStreamManager, stream: string, subject: string, msgID: string): Promise<boolean> {
  const waiting = await manager.streams.getMessage(stream, { last_by_subj: subject });
  if (waiting === null) return false;
  const idOf = (id: string): string => id.slice(0, id.lastIndexOf('.'));
  if (idOf(waiting.header.get('Nats-Msg-Id')) === idOf(msgID)) return true;
  await manager.streams.deleteMessage(stream, waiting.seq);
  return false;
}
