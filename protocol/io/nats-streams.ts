// SPDX-License-Identifier: Apache-2.0
import {
  AckPolicy, type ConsumerConfig, DeliverPolicy, DiscardPolicy, JetStreamApiError, type JetStreamManager, RetentionPolicy, StorageType, type StreamConfig,
} from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { nanos } from '@nats-io/transport-node';
import { type TaskKind, agentsBucket, deadStream, taskConsumer, taskKinds, tasksOf, tasksStream } from '../src/index.js';
import { type Requests, statusOf } from './nats-requests.js';

type NamedStream = Partial<StreamConfig> & { name: string };

const day = 24 * 3600 * 1000;
const presenceMs = 30_000;

/**
 * Work queue: a message goes when it is acked. One message per subject, and a new one refused rather than an
 * old one dropped: as a subject names one task, a task can't be queued twice however long it waits, which a
 * window of message ids alone can't promise.
 */
const tasksOfKind = (kind: TaskKind): NamedStream => ({
  name: tasksStream(kind), subjects: [tasksOf(kind)], storage: StorageType.File, retention: RetentionPolicy.Workqueue,
  discard: DiscardPolicy.New, discard_new_per_subject: true, max_msgs_per_subject: 1, duplicate_window: nanos(120_000),
});
/** Limited by count: a limit by bytes would be reserved on the disk at once, which a small machine refuses. */
const dead: NamedStream = {
  name: deadStream, subjects: ['dead.>'], storage: StorageType.File, retention: RetentionPolicy.Limits,
  discard: DiscardPolicy.Old, max_age: nanos(30 * day), max_msgs: 100_000, duplicate_window: nanos(120_000),
};

/** Agents count a task's deliveries and end it as dead themselves; a message past max_deliver would stay and block its subject. */
function consumerOf(kind: TaskKind, ackWaitMs: number): Partial<ConsumerConfig> {
  return {
    durable_name: taskConsumer(kind), ack_policy: AckPolicy.Explicit, deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(ackWaitMs), max_ack_pending: 50_000, max_waiting: 8_192, max_deliver: -1,
  };
}

/** Makes or updates Altiplano's streams and consumers, and the bucket of presence. Works on nats-server 2.9 and later. */
export async function ensureStreams(manager: JetStreamManager, ackWaitMs: number): Promise<void> {
  // First, so that who finds the streams may take the bucket to be there.
  await new Kvm(manager.jetstream()).create(agentsBucket, { ttl: presenceMs, history: 1, storage: StorageType.Memory });
  for (const stream of [...taskKinds.map(tasksOfKind), dead]) {
    try {
      await manager.streams.add(stream);
    } catch (error) {
      if (!isNameTaken(error)) throw error;
      await manager.streams.update(stream.name, stream);
    }
  }
  for (const kind of taskKinds) {
    const wanted = consumerOf(kind, ackWaitMs);
    const found = await manager.consumers.info(tasksStream(kind), taskConsumer(kind)).catch((error: unknown) => {
      if (error instanceof JetStreamApiError && error.code === consumerNotFound) return null;
      throw error;
    });
    if (found === null) await manager.consumers.add(tasksStream(kind), wanted);
    else if (found.config.ack_wait !== wanted.ack_wait) await manager.consumers.update(tasksStream(kind), taskConsumer(kind), { ack_wait: nanos(ackWaitMs) });
  }
}

/** Whether every kind's stream and consumer are there; asks for no right beyond those to look at a consumer. */
export async function haveStreams(requests: Requests, signal?: AbortSignal): Promise<boolean> {
  for (const kind of taskKinds) {
    const answer = await requests.ask(`$JS.API.CONSUMER.INFO.${tasksStream(kind)}.${taskConsumer(kind)}`, '', { signal });
    if (answer === null || statusOf(answer) !== null || 'error' in answer.json<object>()) return false;
  }
  return true;
}

// Error codes of the JetStream API.
const consumerNotFound = 10014;
const streamNameInUse = 10058;
const isNameTaken = (error: unknown): boolean => error instanceof JetStreamApiError && error.code === streamNameInUse;
