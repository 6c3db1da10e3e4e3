// SPDX-License-Identifier: Apache-2.0
import { setMaxListeners } from 'node:events';
import type { JetStreamManager } from '@nats-io/jetstream';
import { type Msg, type MsgHdrs, type NatsConnection, headers, nuid } from '@nats-io/transport-node';
import { ServiceUnavailableError, type Task, type TaskKind, encodeMessage, taskHash, taskSubject, tasksStream } from '../src/index.js';
import { mapConcurrently } from './map-concurrently.js';
import type { Outbox } from './nats-outbox.js';
import { type Requests, statusOf } from './nats-requests.js';
import { mayHaveAttemptsHeader, taskHeader, workOf } from './nats-work.js';
import type { PublishOptions } from './task-queue.js';

export interface PublisherPorts {
  readonly nc: NatsConnection;
  readonly manager: JetStreamManager;
  readonly outbox: Outbox;
  readonly requests: Requests;
  /** Throws where the call, or the queue, was ended. */
  readonly throwIfStopped: (signal?: AbortSignal) => void;
  /** Gives the bus a moment, and makes what it may have lost. */
  readonly recover: (signal?: AbortSignal) => Promise<void>;
}

export interface Publisher {
  /** Publishes a message and waits until it is kept, whatever it takes. */
  readonly publish: (subject: string, bytes: Uint8Array, signal?: AbortSignal) => Promise<void>;
  /** As TaskQueue's. */
  readonly publishTasks: (tasks: Iterable<Task>, options?: PublishOptions) => Promise<void>;
}

/** Tasks sent at once: some 400 kB, two milliseconds of packing. */
const batchTasks = 256;
const publishesInFlight = 256;

interface TaskMessage { readonly task: Task; readonly subject: string; readonly work: string }

/** Publishes over a connection; see Publisher. */
export function openPublisher({ nc, manager, outbox, requests, throwIfStopped, recover }: PublisherPorts): Publisher {
  /** By kind: the end of the batches sent so far, one after the other, so that their messages don't mix in the stream. */
  const batches = new Map<TaskKind, Promise<boolean>>();

  async function publish(subject: string, bytes: Uint8Array, signal?: AbortSignal, of?: { readonly message: TaskMessage; readonly headers: MsgHdrs }): Promise<void> {
    for (;;) {
      throwIfStopped(signal);
      const answer = await requests.ask(subject, bytes, { headers: of?.headers, signal });
      throwIfStopped(signal);
      if (nc.isClosed()) throw new ServiceUnavailableError(`bus: closed while publishing ${subject}`);
      const { seq, error } = storedOf(answer);
      if (seq !== null) return;
      if (of !== undefined && error !== null && /per subject/.test(error.description)) {
        if (await isSameTask(manager, of.message)) return;
        continue;
      }
      if (error?.code === 400) throw new ServiceUnavailableError(`bus: refuses ${subject}: ${error.description}`);
      // Away, or without its streams, as after a loss of its state.
      await recover(signal);
    }
  }

  /** Sends a batch of one kind; true where all of it is kept for certain. */
  async function areKept(batch: readonly TaskMessage[], signal?: AbortSignal): Promise<boolean> {
    const [first, last] = [batch[0], batch.at(-1)];
    if (first === undefined || last === undefined || first === last) return false;
    throwIfStopped(signal);
    const ask = (message: TaskMessage): Promise<Msg | null> => requests.ask(message.subject, encodeMessage(message.task), { headers: headersOf(message), signal });
    const isFirst = ask(first);
    for (const message of batch) {
      if (message !== first && message !== last) outbox.send(message.subject, encodeMessage(message.task), { headers: headersOf(message) });
    }
    const [from, to] = (await Promise.all([isFirst, ask(last)])).map((answer) => storedOf(answer).seq);
    return typeof from === 'number' && typeof to === 'number' && to - from === batch.length - 1;
  }

  /** The batch after those of its kind that were given before. */
  async function inTurn(batch: readonly TaskMessage[], kind: TaskKind, signal?: AbortSignal): Promise<boolean> {
    const before = batches.get(kind);
    const turn = (before ?? Promise.resolve()).catch(() => undefined).then(() => areKept(batch, signal));
    batches.set(kind, turn);
    return turn;
  }

  /**
   * A stream numbers what it keeps, and what one connection sends it takes in order. So two answers are enough for a batch: where its first and
   * its last message lie as far apart as they were sent, all between them are kept, too. Where not, as some were refused or lost, each is
   * published again and answered for itself; those that wait in the queue are refused as being there. A message from elsewhere that comes in between
   * can hide one that was refused: then the ledger lacks its task, and the coordinator publishes it again.
   */
  async function publishBatch(batch: readonly TaskMessage[], { signal, mayHaveAttempts = false }: PublishOptions): Promise<void> {
    const kind = batch[0]?.task.kind;
    // What may have been tried before is most likely in the queue.
    if (kind !== undefined && !mayHaveAttempts && (await inTurn(batch, kind, signal))) return;
    await mapConcurrently(batch, publishesInFlight, (message) =>
      publish(message.subject, encodeMessage(message.task), signal, { message, headers: headersOf(message, mayHaveAttempts) }));
  }

  return {
    publish,
    async publishTasks(tasks, options = {}) {
      if (options.signal !== undefined) setMaxListeners(0, options.signal); // one per publish in flight
      // One name per call: what is told of one message of a task isn't told of another.
      const call = nuid.next();
      let batch: TaskMessage[] = [];
      for (const task of tasks) {
        if (batch.length === batchTasks || (batch[0] !== undefined && batch[0].task.kind !== task.kind)) {
          await publishBatch(batch, options);
          batch = [];
        }
        batch.push({ task, subject: taskSubject(task.kind, task.sceneId, task.taskId), work: workOf({ hash: taskHash(task), round: task.round, call }) });
      }
      if (batch.length > 0) await publishBatch(batch, options);
    },
  };
}

function headersOf({ work }: TaskMessage, mayHaveAttempts = false): MsgHdrs {
  const made = headers();
  made.set(taskHeader, work);
  if (mayHaveAttempts) made.set(mayHaveAttemptsHeader, '1');
  return made;
}

/** Where in its stream a message is kept, or why it isn't; neither: nobody answered. */
export function storedOf(answer: Msg | null): { readonly seq: number | null; readonly error: { readonly code: number; readonly description: string } | null } {
  if (answer === null || statusOf(answer) !== null) return { seq: null, error: null };
  const { seq = 0, error } = answer.json<{ readonly seq?: number; readonly error?: { readonly code?: number; readonly description?: string } }>();
  return error === undefined ? { seq, error: null } : { seq: null, error: { code: error.code ?? 0, description: error.description ?? 'no reason given' } };
}

/** Whether the task waiting under a subject is the one to publish; another one, of an older plan, is taken away. */
async function isSameTask(manager: JetStreamManager, { task, subject, work }: TaskMessage): Promise<boolean> {
  const stream = tasksStream(task.kind);
  const inQueue = () => manager.streams.getMessage(stream, { last_by_subj: subject });
  const waiting = await inQueue();
  if (waiting === null) return false;
  const contentOf = (text: string): string => text.slice(0, text.lastIndexOf('.'));
  if (contentOf(waiting.header.get(taskHeader)) === contentOf(work)) return true;
  // Somebody else may have taken it away meanwhile.
  await manager.streams.deleteMessage(stream, waiting.seq).catch(async (error: unknown) => { if ((await inQueue())?.seq === waiting.seq) throw error; });
  return false;
}
