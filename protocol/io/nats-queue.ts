// SPDX-License-Identifier: Apache-2.0
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { JetStreamApiError, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import {
  InputError, MalformedMessageError, ServiceUnavailableError, type AgentInfo, type AltiplanoError, type TaskEvent, type TaskKind, agentsBucket, deadFilter, deadStream,
  deadSubject, encodeMessage, eventFilter, eventSubject, isTaskOf, messageOf, nudgeSubject, parseAgentInfo, parseDeadLetter, parseTaskEvent, presenceSubject, taskConsumer, taskKinds, tasksOfScene,
  tasksStream,
} from '../src/index.js';
import { mapConcurrently } from './map-concurrently.js';
import { type NatsConnectOptions, connectToNats, natsInboxPrefix, watchConnection } from './nats-connect.js';
import { openOutbox } from './nats-outbox.js';
import { openPublisher, storedOf } from './nats-publish.js';
import { NatsDelivery, openPuller } from './nats-pull.js';
import { openRequests, statusOf } from './nats-requests.js';
import { ensureStreams, haveStreams } from './nats-streams.js';
import type { TaskDelivery, TaskQueue } from './task-queue.js';

export interface NatsQueueOptions extends NatsConnectOptions {
  /** How long a task stays with an agent that gives no sign of life. */
  readonly ackWaitMs?: number;
  /** Told of a task that came when its pull was given up, before it is handed back: nobody has begun with it. */
  readonly onUnwanted?: (delivery: TaskDelivery) => Promise<void>;
}

const deletesInFlight = 64;
const retryPauseMs = 250;
/** How often an agent looks whether a coordinator has made the streams, and how long it does so in silence. */
const [lookPauseMs, silentMs] = [500, 2_000];
/** How long an agent goes on with the kind it found work of before it asks for preferable ones again: a tile's time, and each question costs the bus as much as a task. */
const sameKindMs = 1_000;

/**
 * The task queue on NATS JetStream (nats-server 2.9 and later). Call `ensure` once before use. Throws
 * ServiceUnavailableError where no server answers within connectTimeoutMs, InputError where one refuses us.
 */
export async function openNatsQueue(options: NatsQueueOptions): Promise<TaskQueue> {
  const nc = await connectToNats(options);
  const js = jetstream(nc);
  const manager = await available('JetStream', () => jetstreamManager(nc, { checkAPI: false }));
  const closing = new AbortController();
  setMaxListeners(0, closing.signal); // one per queue call that waits
  const outbox = openOutbox(nc);
  const requests = openRequests(nc, outbox, natsInboxPrefix(options));
  const puller = openPuller(nc, outbox, natsInboxPrefix(options), async (message) => {
    await options.onUnwanted?.(new NatsDelivery(answering, message)).catch(report);
  });
  const report = options.onProblem ?? ((): void => undefined);
  const role = options.role ?? 'coordinator';
  const reconnected = new Set<() => void>();
  const answering = { puller, requests };
  /** Signals that wake the pulls that wait. */
  const waking = new WeakSet<AbortSignal>();
  /** As closing's signal says, which is slower to ask. */
  let isClosed = false;
  let lastKind: { readonly kind: TaskKind; readonly until: number } | null = null;

  void watchConnection(nc, options, {
    onReconnect() {
      // What waited for an answer when the connection broke is lost, or its answer is: ask again.
      requests.giveUp();
      puller.wake();
      // The server may have lost its state, and agents can't make it anew.
      if (role === 'coordinator') void ensure().catch(report).then(() => { for (const hear of reconnected) hear(); });
    },
    onDenied(subject, problem) {
      requests.deny(subject, problem);
      puller.deny(subject, problem);
    },
  });

  async function ensure(signal: AbortSignal = closing.signal): Promise<void> {
    if (role === 'coordinator') return available('streams', () => ensureStreams(manager, options.ackWaitMs ?? 15_000));
    if (role === 'viewer') return;
    const since = performance.now();
    for (let isTold = false; !(await haveStreams(requests, signal)); ) {
      throwIfStopped(signal);
      if (!isTold && performance.now() - since > silentMs) {
        report(new ServiceUnavailableError('bus: has no streams of tasks; waiting for a coordinator to make them'));
        isTold = true;
      }
      await delay(lookPauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
  /** Gives the bus a moment, then makes what it may have lost with its state, or waits for it. */
  async function recover(signal?: AbortSignal): Promise<void> {
    const stop = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
    await delay(retryPauseMs, undefined, { signal: stop }).catch(() => undefined);
    if (!stop.aborted) await ensure(stop).catch((error: unknown) => { if (!stop.aborted) report(new ServiceUnavailableError(messageOf(error), error)); });
  }

  const throwIfStopped = (signal?: AbortSignal): void => {
    signal?.throwIfAborted();
    if (isClosed) closing.signal.throwIfAborted();
  };

  const { publish, publishTasks } = openPublisher({ nc, manager, outbox, requests, throwIfStopped, recover });

  async function pullTask(kinds: readonly TaskKind[], waitMs: number, signal: AbortSignal): ReturnType<TaskQueue['pullTask']> {
    const now = performance.now();
    const warm = lastKind !== null && lastKind.until > now && kinds.includes(lastKind.kind) ? lastKind.kind : null;
    if (!waking.has(signal)) {
      waking.add(signal);
      setMaxListeners(0, signal); // one per queue
      signal.addEventListener('abort', () => { puller.wake(); }, { signal: closing.signal });
    }
    // One kind after the other without waiting, so that the first kind with work wins; then, or where the bus keeps silent, all at once.
    const singly = warm === null ? kinds : [warm, ...kinds.filter((kind) => kind !== warm)];
    for (let i = 0; i < singly.length + (waitMs > 0 ? 1 : 0); i += 1) {
      if (signal.aborted || isClosed) return null;
      const pulled = await (i < singly.length ? puller.pull(singly.slice(i, i + 1), 0) : puller.pull(kinds, waitMs));
      if (pulled.is === 'unanswered') {
        await recover(signal);
        return null;
      }
      if (pulled.is === 'forgotten') i = Math.max(i, singly.length - 1);
      if (pulled.is !== 'message') continue;
      const { subject } = pulled.message;
      const kind = kinds.find((candidate) => isTaskOf(candidate, subject));
      if (kind !== undefined && kind !== warm) lastKind = { kind, until: now + sameKindMs };
      return new NatsDelivery(answering, pulled.message);
    }
    return null;
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
    publishTasks,
    purgeScene: (sceneId) => available('purge', async () => {
      for (const kind of taskKinds) {
        const { state } = await manager.streams.info(tasksStream(kind), { subjects_filter: tasksOfScene(kind, sceneId) });
        // One by one: after a purge by subject nats-server 2.9 delivers nothing that was queued before, of other scenes either.
        await mapConcurrently(Object.keys(state.subjects ?? {}), deletesInFlight, async (subject) => {
          const waiting = () => manager.streams.getMessage(tasksStream(kind), { last_by_subj: subject });
          const seq = (await waiting())?.seq;
          if (seq === undefined) return;
          // A task that was acked meanwhile is off the queue as well.
          await manager.streams.deleteMessage(tasksStream(kind), seq).catch(async (error: unknown) => { if ((await waiting())?.seq === seq) throw error; });
        });
      }
    }),
    async nudge() {
      throwIfStopped();
      outbox.send(nudgeSubject, '');
    },
    onReconnect(hear, signal) {
      reconnected.add(hear);
      signal.addEventListener('abort', () => { reconnected.delete(hear); }, { once: true });
    },
    onNudge(hear, signal) {
      const subscription = nc.subscribe(nudgeSubject, { callback: (error) => { if (error === null) hear(); } });
      signal.addEventListener('abort', () => { subscription.unsubscribe(); }, { once: true });
    },
    async publishEvent(event) {
      throwIfStopped();
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
      for (const kind of taskKinds) {
        const info = await manager.consumers.info(tasksStream(kind), taskConsumer(kind)).catch(nullIfMissing);
        depth[kind] = info?.num_pending ?? 0;
      }
      return depth;
    }),
    async announceAgent(id, info) {
      if (!/^[-/=\w]+(\.[-/=\w]+)*$/.test(id)) throw new InputError(`agent '${id}': expected letters, digits and -_/= only, with dots between them`);
      // Published as it is: opening the bucket would ask for rights that an agent needn't have.
      const answer = await requests.ask(presenceSubject(id), JSON.stringify(info));
      const why = answer === null ? 'no answer' : statusOf(answer) !== null ? 'the bucket is missing' : storedOf(answer).error?.description;
      if (why !== undefined) throw new ServiceUnavailableError(`bus: presence: ${why}`);
    },
    agents: () => available('presence', async () => {
      const found = new Map<string, AgentInfo>();
      const bucket = await new Kvm(js).open(agentsBucket).catch(nullIfMissing);
      const keys = await bucket?.keys().catch(nullIfMissing) ?? null;
      if (bucket === null || keys === null) return found;
      const ids: string[] = [];
      for await (const id of keys) ids.push(id);
      for (const id of ids) {
        const entry = await bucket.get(id);
        if (entry?.operation !== 'PUT') continue;
        const info = readable(() => parseAgentInfo(id, entry.value), report);
        if (info !== null) found.set(id, info);
      }
      return found;
    }),
    async close() {
      isClosed = true;
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

/** Runs a call to the server and names what failed. */
async function available<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw new ServiceUnavailableError(`bus: ${what}: ${messageOf(cause)}`, cause);
  }
}

/** For what no coordinator has made yet, or a bus has lost with its state: then nobody waits and nobody is there. */
function nullIfMissing(error: unknown): null {
  if (error instanceof JetStreamApiError && error.status === 404) return null;
  throw error;
}

function readable<T>(parse: () => T, report: (problem: AltiplanoError) => void): T | null {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof MalformedMessageError)) throw error;
    report(error);
    return null;
  }
}
