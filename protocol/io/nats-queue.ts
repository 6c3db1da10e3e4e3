// SPDX-License-Identifier: Apache-2.0
import { setMaxListeners } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type ConsumerMessages, JetStreamApiError, type JetStreamManager, StorageType, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import {
  type Authenticator, type NatsConnection, connect, credsAuthenticator, nuid, tokenAuthenticator, usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import {
  type AltiplanoError, InputError, MalformedMessageError, ServiceUnavailableError, type TaskEvent, type TaskKind, agentsBucket, deadFilter,
  deadStream, deadSubject, encodeMessage, eventFilter, eventSubject, eventsStream, parseDeadLetter, parseTaskEvent, taskConsumer, taskKinds, taskSubject,
  tasksStream,
} from '../src/index.js';
import { mapConcurrently } from './map-concurrently.js';
import { deliveryOf, messageIdOf, pullFirst } from './nats-pull.js';
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

const publishesInFlight = 128;
const publishTimeoutMs = 5_000;
const retryPauseMs = 250;
const presenceMs = 30_000;

/**
 * The task queue on NATS JetStream (nats-server 2.9 and later). Call `ensure` once before use. Throws
 * ServiceUnavailableError where no server answers within connectTimeoutMs.
 */
export async function openNatsQueue(options: NatsQueueOptions): Promise<TaskQueue> {
  const nc = await connectWithin(options);
  const js = jetstream(nc);
  const manager = await available('JetStream', () => jetstreamManager(nc, { checkAPI: false }));
  const closing = new AbortController();
  setMaxListeners(0, closing.signal); // one per publish in flight
  const wakers = new Set<() => void>();
  const report = options.onProblem ?? ((): void => undefined);
  let presence: Promise<KV> | null = null;

  void watchConnection(nc, report, () => { for (const wake of wakers) wake(); });

  const ensure = (): Promise<void> => available('streams', () => ensureStreams(manager, options.ackWaitMs ?? 15_000));
  /** Gives the bus a moment, then makes what it may have lost with its state. */
  async function recover(stop: AbortSignal): Promise<void> {
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

  /** True when the call ended; false when its answer won't be waited for: a new connection was made, or `stop` aborted. */
  async function isAnswered(call: Promise<unknown>, stop: AbortSignal): Promise<boolean> {
    let giveUp = (): void => undefined;
    const givenUp = new Promise<false>((resolve) => { giveUp = () => { resolve(false); }; });
    wakers.add(giveUp);
    stop.addEventListener('abort', giveUp);
    try {
      return await Promise.race([call.then(() => true), givenUp]);
    } finally {
      wakers.delete(giveUp);
      stop.removeEventListener('abort', giveUp);
    }
  }

  /** Publishes once, whatever it takes: the same message id makes repeats after a lost answer harmless. */
  async function publish(subject: string, bytes: Uint8Array, msgID: string, signal?: AbortSignal): Promise<void> {
    const stop = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
    for (;;) {
      stop.throwIfAborted();
      try {
        if (await isAnswered(js.publish(subject, bytes, { msgID, timeout: publishTimeoutMs }), stop)) return;
        continue;
      } catch (error) {
        if (isSubjectTaken(error)) {
          if (await isSameTask(manager, subject, msgID)) return;
          continue;
        }
        if (nc.isClosed()) throw new ServiceUnavailableError(`bus: closed while publishing ${subject}`, error);
        if (error instanceof JetStreamApiError && error.status === 400) throw new ServiceUnavailableError(`bus: refuses ${subject}: ${error.message}`, error);
        // Away, or without its streams, as after a loss of its state.
        await recover(stop);
      }
    }
  }

  async function pullTask(kinds: readonly TaskKind[], waitMs: number, signal: AbortSignal): ReturnType<TaskQueue['pullTask']> {
    const wake = new AbortController();
    const stop = AbortSignal.any([signal, closing.signal, wake.signal]);
    const onReconnect = (): void => { wake.abort(); };
    // A pull that waited when the connection broke is lost: ask again.
    wakers.add(onReconnect);
    try {
      // One kind after the other without waiting, so that the first kind with work wins; then all at once.
      for (const [some, patience] of [...kinds.map((kind) => [[kind], 0] as const), [kinds, waitMs] as const]) {
        if (stop.aborted || (patience === 0 && some === kinds)) return null;
        const pulled = await pullFirst(nc, some, patience, stop);
        if (pulled.is === 'message') return deliveryOf(nc, pulled.message);
        if (pulled.is === 'unanswered') {
          await recover(stop);
          return null;
        }
      }
      return null;
    } finally {
      wakers.delete(onReconnect);
    }
  }

  /** Null: `stop` aborted. An ordered consumer: it survives lost connections and a restarted server by itself. */
  async function openEvents(sceneId: string, stop: AbortSignal): Promise<ConsumerMessages | null> {
    while (!stop.aborted) {
      try {
        const consumer = await js.consumers.get(eventsStream, { filter_subjects: eventFilter(sceneId) });
        return await consumer.consume({ max_messages: 500 });
      } catch (error) {
        if (stop.aborted) break;
        report(new ServiceUnavailableError(`bus: events: ${messageOf(error)}`, error));
        await recover(stop);
      }
    }
    return null;
  }

  async function* events(sceneId: string, signal: AbortSignal): AsyncGenerator<TaskEvent> {
    const stop = AbortSignal.any([signal, closing.signal]);
    const messages = await openEvents(sceneId, stop);
    if (messages === null) return;
    const close = (): void => { void messages.close(); };
    stop.addEventListener('abort', close);
    if (stop.aborted) close();
    try {
      for await (const message of messages) {
        const event = readable(() => parseTaskEvent(message.data), report);
        if (event !== null) yield event;
        if (stop.aborted) return;
      }
    } finally {
      stop.removeEventListener('abort', close);
      await messages.close();
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
      await mapConcurrently(tasks, publishesInFlight, (task) =>
        publish(taskSubject(task.kind, task.sceneId, task.taskId), encodeMessage(task), messageIdOf(task, round), signal));
    },
    publishEvent: (event, signal) => publish(eventSubject(event.sceneId, event.taskId), encodeMessage(event), nuid.next(), signal),
    publishDead: (letter, signal) => publish(deadSubject(letter.sceneId, letter.taskId), encodeMessage(letter), nuid.next(), signal),
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
      for (const kind of taskKinds) depth[kind] = (await manager.consumers.info(tasksStream, taskConsumer(kind))).num_pending;
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
        pingInterval: 10_000, maxPingOut: 3, timeout: 5_000, ...(authenticator && { authenticator }),
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

// "maximum messages per subject exceeded": 10077 is the API's code for a store that refuses.
const isSubjectTaken = (error: unknown): boolean => error instanceof JetStreamApiError && /per subject/.test(error.message);

/** Whether the task waiting under a subject is the one to publish; another one, of an older plan, is taken away. */
async function isSameTask(manager: JetStreamManager, subject: string, msgID: string): Promise<boolean> {
  const waiting = await manager.streams.getMessage(tasksStream, { last_by_subj: subject });
  if (waiting === null) return false;
  const idOf = (id: string): string => id.slice(0, id.lastIndexOf('.'));
  if (idOf(waiting.header.get('Nats-Msg-Id')) === idOf(msgID)) return true;
  await manager.streams.deleteMessage(tasksStream, waiting.seq);
  return false;
}
