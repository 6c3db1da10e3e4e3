// SPDX-License-Identifier: Apache-2.0
import {
  type DeadLetter, type FailureClass, MalformedMessageError, type Task, type TaskAttempt, type TaskEvent, type TaskOutcome, type TaskRound, cutText, maxMessageBytes,
  parseTask, parseTaskSubject, taskHash, taskOutcomeSchema,
} from '@altiplano/protocol';
import { type ObjectStore, type TaskDelivery, type TaskQueue, findOutcome, readAttempts, writeAttempt, writeOutcome } from '@altiplano/protocol/io';
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from './log.js';
import { type NextRun, countedAttempts, nextAttempt } from './next-attempt.js';
import { settle } from './settle.js';
import { TaskFailedError, type TaskFailure, failureOf } from './task-failure.js';
import type { TaskResult } from './task-result.js';
import { waitOut } from './wait-out.js';

/** A task's result and what it cost. */
export interface TaskRun {
  readonly result: TaskResult;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
}

/** How a task is run. */
export interface RunOptions {
  /** In a process of its own. */
  readonly isolated: boolean;
  /** In four parts. */
  readonly split: boolean;
  readonly signal: AbortSignal;
  readonly onStage: (stage: string) => void;
}

export interface DeliveryPorts {
  readonly agent: string;
  readonly queue: Pick<TaskQueue, 'publishEvent' | 'publishDead'>;
  readonly store: ObjectStore;
  /** Runs a task away from this thread; rejects at once when the signal aborts. */
  readonly runTask: (task: Task, options: RunOptions) => Promise<TaskRun>;
  readonly log: Log;
  /** Where people find that log. */
  readonly logPlace: string;
  readonly now: () => Date;
  /** Told of every outcome, for metrics. */
  readonly onOutcome?: (outcome: TaskOutcome) => void;
}

const tellStartMs = 1_000;
/** Whoever hands a task back waits no longer than this for the store to take the record of it. */
const drainRecordMs = 2_000;

/**
 * 'settled': the task ended or was put back by the rules; 'returned': handed back because the agent stops; 'hung': put back, while a
 * thread of this process is still in it.
 */
export type DeliveryEnd = 'settled' | 'returned' | 'hung';

/**
 * The story of one delivery, from message to answer. Store, then publish, then answer: a crash between two of
 * them costs one repeat, never a hole. Throws only where the bus takes no answer; then the task comes again.
 *
 *   parse --> known? --> attempts so far --> run --+--> ledger --> ended --> ack
 *     |         |              |                   |
 *     |         +--> ended     |                   +--> attempt --> retrying --> retry(pause)
 *     |              --> ack   |                   |
 *     |                        +-------------------+--> ledger (dead) --> dead letter --> ended --> reject
 *     +--> dead letter --> reject
 *
 * The ledger's attempts decide what follows a failure (next-attempt.ts). A message that is delivered for the first time has none, unless
 * its publisher says so; that keeps the way of nearly all tasks short. What a stopping agent hands back is an attempt that costs nothing.
 *
 * A task that runs for longer than a second tells 'started', too: of a shorter one its end is told soon enough.
 */
export async function runDelivery(
  ports: DeliveryPorts, delivery: TaskDelivery, signal: AbortSignal, onStage: (stage: string) => void = () => undefined,
): Promise<DeliveryEnd> {
  let work: Work | null = null;
  try {
    try {
      const task = parseTask(delivery.bytes);
      work = { ports, delivery, task, round: { taskId: task.taskId, taskHash: delivery.hash ?? taskHash(task), round: task.round }, signal };
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error;
      await rejectUnreadable(ports, delivery, error, signal);
      return 'settled';
    }
    return await runWork(work, onStage);
  } catch (error) {
    if (!signal.aborted) throw error;
    if (work !== null) await recordReturn(work, 'drained', 'its agent was asked to stop');
    const ids = parseTaskSubject(delivery.subject);
    await settle(delivery, { is: 'retry', delayMs: 0 });
    ports.log('task:returned', { sceneId: ids?.sceneId ?? '', taskId: ids?.taskId ?? '', attempt: delivery.attempt, reason: 'the agent stops' });
    return 'returned';
  }
}

/** What one delivery is about; `round` names the work in the ledger, as its publisher counted it: that is what the coordinator compares. */
interface Work {
  readonly ports: DeliveryPorts;
  readonly delivery: TaskDelivery;
  readonly task: Task;
  readonly round: TaskRound;
  readonly signal: AbortSignal;
}

/** How a round ends: by a result, or by the failure that was one too many. */
type RoundEnd = { readonly attempts: number; readonly startedAt: string } & (
  | { readonly is: 'ran'; readonly run: TaskRun }
  | { readonly is: 'dead'; readonly failure: TaskFailure; readonly wallSeconds: number }
);

async function runWork(work: Work, onStage: RunOptions['onStage']): Promise<DeliveryEnd> {
  const { ports, delivery, task, round, signal } = work;
  const known = await waitOut(() => findOutcome(ports.store, task.sceneId, round), signal);
  if (known !== null) {
    // Ended before, but its ack was lost; or published once more.
    await answerKnown(work, known);
    return 'settled';
  }
  const before = delivery.attempt > 1 || delivery.mayHaveAttempts ? await waitOut(() => attemptsSoFar(work), signal) : [];
  const next = nextAttempt(before);
  const attempts = countedAttempts(before) + 1;
  const startedAt = ports.now().toISOString();
  if (next.is === 'dead') {
    await endRound(work, { is: 'dead', failure: lastOf(before, next.class), attempts: Math.max(1, attempts - 1), startedAt, wallSeconds: 0 });
    return 'settled';
  }
  const { isolated, split } = next;
  const start = performance.now();
  const ran = await runTold(work, attempts, { isolated, split, signal, onStage });
  if (ran.is === 'ran') {
    await endRound(work, { is: 'ran', run: ran.run, attempts, startedAt });
    return 'settled';
  }
  const { failure } = ran;
  const attempt: TaskAttempt = { ...recordBase(work), ...recordOf(failure), startedAt, isolated, split };
  const following = nextAttempt([...before, attempt]);
  if (following.is === 'run') await putBack(work, failure, attempt, attempts, following);
  else {
    await endRound(work, { is: 'dead', failure: { ...failure, class: following.class }, attempts, startedAt, wallSeconds: (performance.now() - start) / 1000 });
  }
  return failure.class === 'timeout' && !isolated ? 'hung' : 'settled';
}

async function answerKnown({ ports, delivery, task }: Work, outcome: TaskOutcome): Promise<void> {
  ports.log('task:known', { sceneId: task.sceneId, taskId: task.taskId, attempt: delivery.attempt, state: outcome.state });
  await ports.queue.publishEvent(endedEvent(ports, outcome));
  await settle(delivery, { is: outcome.state === 'dead' ? 'reject' : 'ack' });
}

/** Runs a task and tells that it started, if it takes long enough to be worth it. */
async function runTold(
  { ports, task }: Work, attempt: number, options: RunOptions,
): Promise<{ readonly is: 'ran'; readonly run: TaskRun } | { readonly is: 'failed'; readonly failure: TaskFailure }> {
  const { sceneId, taskId, kind } = task;
  const { isolated, split, signal } = options;
  const telling = setTimeout(() => {
    ports.queue.publishEvent({ ...eventBase(ports, task), type: 'started', attempt }).catch(() => undefined);
  }, tellStartMs);
  ports.log('task:started', { sceneId, taskId, attempt, kind, isolated: isolated || undefined, split: split || undefined });
  try {
    return { is: 'ran', run: await ports.runTask(task, options) };
  } catch (error) {
    signal.throwIfAborted();
    return { is: 'failed', failure: error instanceof TaskFailedError ? error.failure : failureOf(error) };
  } finally {
    clearTimeout(telling);
  }
}

async function putBack({ ports, delivery, task, signal }: Work, failure: TaskFailure, record: TaskAttempt, attempt: number, next: NextRun): Promise<void> {
  const { sceneId, taskId, kind } = task;
  const { afterMs: delayMs } = next;
  const how = [...(next.split ? ['split in four'] : []), ...(next.isolated ? ['in a process of its own'] : [])].join(', ');
  await waitOut(() => writeAttempt(ports.store, record), signal);
  ports.log('task:retried', {
    sceneId, taskId, attempt, kind, delayMs, class: failure.class, code: failure.code, error: failure.message,
    ...placeOf(failure), ...(failure.stack !== undefined && { stack: failure.stack }),
  });
  await ports.queue.publishEvent({ ...eventBase(ports, task), type: 'retrying', attempt, error: cutText(`${record.message}${how === '' ? '' : ` (next time ${how})`}`) });
  await settle(delivery, { is: 'retry', delayMs });
}

async function endRound(work: Work, end: RoundEnd): Promise<void> {
  const { ports, delivery, task: { sceneId, taskId, kind }, signal } = work;
  const own = outcomeOf(work, end);
  // Where the lease was lost another agent may have ended it meanwhile: the first counts.
  const outcome = await waitOut(() => writeOutcome(ports.store, own), signal);
  if (outcome !== own) return answerKnown(work, outcome);
  if (end.is === 'dead') await ports.queue.publishDead(deadLetterOf(ports, delivery, { sceneId, taskId }, end.failure, end.attempts), signal);
  // Sent together, in this order: the coordinator finds in the ledger what an agent that dies in between didn't tell.
  await ports.queue.publishEvent(endedEvent(ports, outcome));
  await settle(delivery, { is: end.is === 'dead' ? 'reject' : 'ack' });
  ports.onOutcome?.(outcome);
  ports.log('task:settled', {
    sceneId, taskId, attempt: outcome.attempts, kind, state: outcome.state, wallSeconds: outcome.wallSeconds, cpuSeconds: outcome.cpuSeconds,
    reason: outcome.reason, error: outcome.error?.message,
  });
}

/** Written out field by field, as what follows: of what every task does, copying properties one by one at run time took a twentieth of an agent's CPU. */
function outcomeOf({ ports: { agent, logPlace: log }, task: { sceneId, taskId, kind }, round: { taskHash, round } }: Work, end: RoundEnd): TaskOutcome {
  const { attempts, startedAt } = end;
  if (end.is === 'dead') {
    const error = recordOf(end.failure);
    return { v: 1, sceneId, taskId, kind, state: 'dead', error, taskHash, round, attempts, log, agent, startedAt, wallSeconds: end.wallSeconds, cpuSeconds: 0, stages: {}, metrics: {} };
  }
  const { result: { state, reason, outKey, stages, metrics }, wallSeconds, cpuSeconds } = end.run;
  const ran: { -readonly [F in keyof TaskOutcome]: TaskOutcome[F] } =
    { v: 1, sceneId, taskId, kind, state, taskHash, round, attempts, log, agent, startedAt, wallSeconds, cpuSeconds, stages, metrics };
  if (reason !== undefined) ran.reason = reason;
  if (outKey !== undefined) ran.outKey = outKey;
  return ran;
}

const endedEvent = ({ agent, now }: DeliveryPorts, outcome: TaskOutcome): TaskEvent =>
  ({ v: 1, sceneId: outcome.sceneId, taskId: outcome.taskId, kind: outcome.kind, agent, at: now().toISOString(), type: 'ended', outcome });

const eventBase = ({ agent, now }: DeliveryPorts, { sceneId, taskId, kind }: Task) => ({ v: 1, sceneId, taskId, kind, agent, at: now().toISOString() }) as const;

/** What of a delivery its records are made of. */
interface Delivered extends Pick<Work, 'delivery' | 'round'> {
  readonly ports: Pick<DeliveryPorts, 'agent' | 'store' | 'logPlace' | 'now'>;
  readonly task: { readonly sceneId: string; readonly kind: string };
}

/** What every record of an attempt says. */
const recordBase = ({ ports, delivery, task: { sceneId, kind }, round }: Delivered, number = delivery.attempt) => ({
  v: 1, sceneId, kind, ...round, agent: ports.agent, at: ports.now().toISOString(), log: ports.logPlace,
  ...(delivery.message !== null && { delivery: `${delivery.message}-${number}` }),
}) as const;

const recordOf = (failure: TaskFailure) => ({ class: failure.class, code: failure.code, message: cutText(failure.message), ...placeOf(failure) });
const placeOf = ({ stage, signal }: { readonly stage?: string | undefined; readonly signal?: string | undefined }): { stage?: string; signal?: string } =>
  ({ ...(stage !== undefined && { stage }), ...(signal !== undefined && { signal }) });

/** The last attempt that failed like this, as the failure that ends the round. */
function lastOf(attempts: readonly TaskAttempt[], name: FailureClass): TaskFailure {
  const last = attempts.findLast((attempt) => attempt.class === name);
  return { code: last?.code ?? 'unknown', message: last?.message ?? 'it failed too often', class: name, ...placeOf(last ?? {}) };
}

/** Deliveries looked back at: more than the policy lets vanish. */
const mostLookedBack = 16;

/**
 * The attempts in the ledger, and one more for each earlier delivery of this message that nobody told anything of: its agent crashed, was
 * killed, or lost its lease. They are written down here, as whoever had it can't.
 */
async function attemptsSoFar(work: Work): Promise<readonly TaskAttempt[]> {
  const { ports: { store }, delivery, task, round } = work;
  const told = await readAttempts(store, task.sceneId, round);
  const names = new Set(told.map((attempt) => attempt.delivery));
  const vanished: TaskAttempt[] = [];
  for (let number = Math.max(1, delivery.attempt - mostLookedBack); number < delivery.attempt; number++) {
    const attempt: TaskAttempt = {
      ...recordBase(work, number), class: 'vanished', code: 'agent-lost', isolated: false, split: false,
      message: `delivery ${number} came to no end: its agent crashed, was killed, or lost the bus`,
    };
    if (attempt.delivery !== undefined && names.has(attempt.delivery)) continue;
    await writeAttempt(store, attempt);
    vanished.push(attempt);
  }
  return [...told, ...vanished];
}

/** Tells the ledger that a task was handed back, so that its delivery doesn't look like one of an agent that crashed. */
async function recordReturn(delivery: Delivered, code: 'drained' | 'unwanted', message: string): Promise<void> {
  const attempt: TaskAttempt = { ...recordBase(delivery), class: 'drain', code, message, isolated: false, split: false };
  // Nobody waits for a store that is away: the task will then run in a process of its own, which costs it little.
  await Promise.race([writeAttempt(delivery.ports.store, attempt).catch(() => undefined), delay(drainRecordMs, undefined, { ref: false })]);
}

/** Tells the ledger of a task that came when the agent had given its pull up, and that it will hand back unread. */
export async function recordUnwanted(ports: Delivered['ports'], delivery: TaskDelivery): Promise<void> {
  const ids = parseTaskSubject(delivery.subject);
  if (ids === null || delivery.hash === null) return;
  const { taskId, sceneId, kind } = ids;
  const work = { ports, delivery, task: { sceneId, kind }, round: { taskId, taskHash: delivery.hash, round: delivery.round } };
  await recordReturn(work, 'unwanted', 'its agent did not wait for it any more');
}

async function rejectUnreadable(ports: DeliveryPorts, delivery: TaskDelivery, error: MalformedMessageError, signal: AbortSignal): Promise<void> {
  const ids = parseTaskSubject(delivery.subject);
  const name = createHash('sha256').update(delivery.bytes).digest('hex').slice(0, 16);
  ports.log('task:malformed', { subject: delivery.subject, error: error.message });
  const reason = { code: error.code, message: error.message, class: 'permanent' } as const;
  const at = ports.now().toISOString();
  const outcome = taskOutcomeSchema.safeParse({
    ...ids, v: 1, taskHash: delivery.hash, round: delivery.round, state: 'dead', error: reason, attempts: 1, agent: ports.agent, startedAt: at, log: ports.logPlace,
    wallSeconds: 0, cpuSeconds: 0, stages: {}, metrics: {},
  });
  // The envelope may still name the task: then its scene needn't wait for it. An agent of another version may have read it, and ended it: that counts.
  const ended = outcome.success ? await waitOut(() => writeOutcome(ports.store, outcome.data), signal) : null;
  if (ended === null || ended === outcome.data) {
    await ports.queue.publishDead(deadLetterOf(ports, delivery, { sceneId: ids?.sceneId ?? 'unreadable', taskId: ids?.taskId ?? name }, reason, 1), signal);
  }
  if (ended !== null) await ports.queue.publishEvent(endedEvent(ports, ended));
  await settle(delivery, { is: 'reject' });
}

function deadLetterOf(ports: DeliveryPorts, delivery: TaskDelivery, ids: { sceneId: string; taskId: string }, error: DeadLetter['error'], attempts: number): DeadLetter {
  return {
    v: 1, sceneId: ids.sceneId, taskId: ids.taskId, error: { code: error.code, message: error.message }, attempts,
    agent: ports.agent, at: ports.now().toISOString(), task: Uint8Array.from(delivery.bytes.subarray(0, maxMessageBytes)),
  };
}
