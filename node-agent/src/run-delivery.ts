// SPDX-License-Identifier: Apache-2.0
import {
  type DeadLetter, MalformedMessageError, type Task, type TaskEvent, type TaskOutcome, maxMessageBytes, parseTask, parseTaskSubject, taskHash, taskOutcomeSchema,
} from '@altiplano/protocol';
import { type ObjectStore, type TaskDelivery, type TaskQueue, findOutcome, writeOutcome } from '@altiplano/protocol/io';
import { createHash } from 'node:crypto';
import type { Log } from './log.js';
import { maxAttempts, outcomeOf, settle } from './settle.js';
import { TaskFailedError, type TaskFailure, failureOf } from './task-failure.js';
import type { TaskResult } from './task-result.js';
import { waitOut } from './wait-out.js';

/** A task's result and what it cost. */
export interface TaskRun {
  readonly result: TaskResult;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
}

export interface DeliveryPorts {
  readonly agent: string;
  readonly queue: Pick<TaskQueue, 'publishEvent' | 'publishDead'>;
  readonly store: ObjectStore;
  /** Runs a task away from this thread; rejects at once when the signal aborts. */
  readonly runTask: (task: Task, signal: AbortSignal) => Promise<TaskRun>;
  readonly log: Log;
  readonly now: () => Date;
  /** Told of every outcome, for metrics. */
  readonly onOutcome?: (outcome: TaskOutcome) => void;
}

const tellStartMs = 1_000;

/** 'settled': the task ended or was put back by the rules; 'returned': handed back because the agent stops. */
export type DeliveryEnd = 'settled' | 'returned';

/**
 * The story of one delivery, from message to answer. Store, then publish, then ack: a crash between two of
 * them costs one repeat, never a hole. Throws only where the bus takes no answer; then the task comes again.
 *
 *   parse --> known? --> run --+--> ledger --> ended --> ack
 *     |         |              |
 *     |         +--> ended     +--> retrying --> retry(delay)
 *     |              --> ack   +--> ledger (dead) --> dead letter --> ended --> reject
 *     +--> dead letter --> reject
 *
 * A task that runs for longer than a second tells 'started', too: of a shorter one its end is told soon enough.
 */
export async function runDelivery(ports: DeliveryPorts, delivery: TaskDelivery, signal: AbortSignal): Promise<DeliveryEnd> {
  try {
    let task: Task;
    try {
      task = parseTask(delivery.bytes);
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error;
      await rejectUnreadable(ports, delivery, error, signal);
      return 'settled';
    }
    await runParsed(ports, delivery, task, signal);
    return 'settled';
  } catch (error) {
    if (!signal.aborted) throw error;
    const ids = parseTaskSubject(delivery.subject);
    await settle(delivery, { is: 'retry', delayMs: 0 });
    ports.log('task:returned', { sceneId: ids?.sceneId ?? '', taskId: ids?.taskId ?? '', attempt: delivery.attempt, reason: 'the agent stops' });
    return 'returned';
  }
}

async function runParsed(ports: DeliveryPorts, delivery: TaskDelivery, task: Task, signal: AbortSignal): Promise<void> {
  const { queue, store, log, agent } = ports;
  const { attempt } = delivery;
  const { sceneId, taskId, kind, round } = task;
  const ids = { sceneId, taskId, attempt };
  // As its publisher counted it: that is what the coordinator compares.
  const hash = delivery.hash ?? taskHash(task);
  const event = () => ({ v: 1, sceneId, taskId, kind, agent, at: ports.now().toISOString() }) as const;
  const publish = (message: TaskEvent): Promise<void> => queue.publishEvent(message, signal);

  const known = await waitOut(() => findOutcome(store, sceneId, { taskId, taskHash: hash, round }), signal);
  if (known !== null) {
    // Ended before, but its ack was lost; or published once more.
    log('task:known', { ...ids, state: known.state });
    await publish({ ...event(), type: 'ended', outcome: known });
    await settle(delivery, { is: known.state === 'dead' ? 'reject' : 'ack' });
    return;
  }

  const startedAt = ports.now().toISOString();
  const telling = setTimeout(() => { void publish({ ...event(), type: 'started', attempt }).catch(() => undefined); }, tellStartMs);
  log('task:started', { ...ids, kind });
  const start = performance.now();
  const outcomeBase = { v: 1, sceneId, taskId, kind, taskHash: hash, round, attempts: attempt, agent, startedAt } as const;

  const ended = await runOnce(ports, task, attempt, signal).finally(() => { clearTimeout(telling); });
  if (ended.is === 'failed' && ended.outcome.is === 'retry') {
    const { failure, outcome: { delayMs } } = ended;
    log('task:retried', { ...ids, kind, delayMs, code: failure.code, error: failure.message, ...(failure.stack !== undefined && { stack: failure.stack }) });
    await publish({ ...event(), type: 'retrying', attempt, error: failure.message });
    await settle(delivery, ended.outcome);
    return;
  }
  const own: TaskOutcome = ended.is === 'failed'
    ? { ...outcomeBase, state: 'dead', error: errorOf(ended.failure), wallSeconds: (performance.now() - start) / 1000, cpuSeconds: 0, stages: {}, metrics: {} }
    : { ...outcomeBase, ...ended.run.result, wallSeconds: ended.run.wallSeconds, cpuSeconds: ended.run.cpuSeconds };
  // Where the lease was lost another agent may have ended it meanwhile: the first counts.
  const outcome = await waitOut(() => writeOutcome(store, own), signal);
  if (outcome !== own) {
    log('task:known', { ...ids, state: outcome.state });
    await publish({ ...event(), type: 'ended', outcome });
    await settle(delivery, { is: outcome.state === 'dead' ? 'reject' : 'ack' });
    return;
  }
  if (ended.is === 'failed') await queue.publishDead(deadLetterOf(ports, delivery, ids, errorOf(ended.failure)), signal);
  // Sent together, in this order: the coordinator finds in the ledger what an agent that dies in between didn't tell.
  await Promise.all([publish({ ...event(), type: 'ended', outcome }), settle(delivery, ended.is === 'failed' ? ended.outcome : { is: 'ack' })]);
  ports.onOutcome?.(outcome);
  log('task:settled', {
    ...ids, kind, state: outcome.state, wallSeconds: outcome.wallSeconds, cpuSeconds: outcome.cpuSeconds,
    ...(outcome.reason !== undefined && { reason: outcome.reason }), ...(outcome.error && { error: outcome.error.message }),
  });
}

type Ended =
  | { readonly is: 'ran'; readonly run: TaskRun }
  | { readonly is: 'failed'; readonly failure: TaskFailure; readonly outcome: ReturnType<typeof outcomeOf> };

async function runOnce(ports: DeliveryPorts, task: Task, attempt: number, signal: AbortSignal): Promise<Ended> {
  if (attempt > maxAttempts) {
    const message = `delivered ${attempt - 1} times without an outcome: its agents crashed, were killed, or lost the bus`;
    return { is: 'failed', failure: { code: 'agent-lost', message, retry: 'never' }, outcome: { is: 'reject' } };
  }
  try {
    return { is: 'ran', run: await ports.runTask(task, signal) };
  } catch (error) {
    signal.throwIfAborted();
    const failure = error instanceof TaskFailedError ? error.failure : failureOf(error);
    return { is: 'failed', failure, outcome: outcomeOf(failure, attempt) };
  }
}

async function rejectUnreadable(ports: DeliveryPorts, delivery: TaskDelivery, error: MalformedMessageError, signal: AbortSignal): Promise<void> {
  const ids = parseTaskSubject(delivery.subject);
  const name = createHash('sha256').update(delivery.bytes).digest('hex').slice(0, 16);
  ports.log('task:malformed', { subject: delivery.subject, error: error.message });
  const reason = { code: error.code, message: error.message };
  const at = ports.now().toISOString();
  const outcome = taskOutcomeSchema.safeParse({
    ...ids, v: 1, taskHash: delivery.hash, round: delivery.round, state: 'dead', error: reason, attempts: delivery.attempt, agent: ports.agent, startedAt: at,
    wallSeconds: 0, cpuSeconds: 0, stages: {}, metrics: {},
  });
  // The envelope may still name the task: then its scene needn't wait for it.
  if (outcome.success) await waitOut(() => writeOutcome(ports.store, outcome.data), signal);
  await ports.queue.publishDead(deadLetterOf(ports, delivery, { sceneId: ids?.sceneId ?? 'unreadable', taskId: ids?.taskId ?? name }, reason), signal);
  if (outcome.success) {
    const { sceneId, taskId, kind } = outcome.data;
    await ports.queue.publishEvent({ v: 1, type: 'ended', sceneId, taskId, kind, agent: ports.agent, at, outcome: outcome.data }, signal);
  }
  await settle(delivery, { is: 'reject' });
}

function deadLetterOf(ports: DeliveryPorts, delivery: TaskDelivery, ids: { sceneId: string; taskId: string }, error: DeadLetter['error']): DeadLetter {
  return {
    v: 1, sceneId: ids.sceneId, taskId: ids.taskId, error: { code: error.code, message: error.message }, attempts: delivery.attempt,
    agent: ports.agent, at: ports.now().toISOString(), task: Uint8Array.from(delivery.bytes.subarray(0, maxMessageBytes)),
  };
}

const errorOf = ({ code, message, stage }: TaskFailure): NonNullable<TaskOutcome['error']> => ({ code, message, ...(stage !== undefined && { stage }) });
