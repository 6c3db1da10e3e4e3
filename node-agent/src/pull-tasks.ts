// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { type TaskKind, messageOf, parseTaskSubject } from '@altiplano/protocol';
import type { TaskDelivery, TaskQueue } from '@altiplano/protocol/io';
import type { Log } from './log.js';
import { type DeliveryEnd, type DeliveryPorts, runDelivery } from './run-delivery.js';
import { makeWallTimes } from './wall-times.js';

export interface PullOptions {
  readonly slots: number;
  /** In order of preference. */
  readonly kinds: readonly TaskKind[];
  /** How often a task in hand asks for more time; a third of the queue's ack wait or less. */
  readonly heartbeatMs: number;
  readonly pullWaitMs?: number;
  /** Aborts: pull no more, finish of what is in hand what fits into graceMs, hand back the rest. */
  readonly drain: AbortSignal;
  readonly graceMs: number;
  /** Aborts: hand back what is in hand. */
  readonly stop: AbortSignal;
  /** Where the tasks in hand are kept, for those who want to look. */
  readonly inHand?: Set<InHand>;
}

/** A task in hand; its stage changes as it goes. */
export interface InHand {
  readonly sceneId: string;
  readonly taskId: string;
  readonly kind: string;
  readonly since: Date;
  /** Where it has told. */
  stage?: string;
}

interface Held {
  readonly delivery: TaskDelivery;
  readonly task: InHand;
  readonly sinceMs: number;
  readonly handBack: AbortController;
  isHandedBack: boolean;
  /** The last beat was not confirmed. */
  isDoubtful: boolean;
}

/**
 * Pulls tasks while a slot is free and runs each beside its heartbeat, until `drain` or `stop` aborts, or a task hangs in this process,
 * and all are answered. A slot is free again when its task is answered.
 */
export async function pullTasks(
  ports: DeliveryPorts & { readonly queue: Pick<TaskQueue, 'pullTask'> }, options: PullOptions,
): Promise<Readonly<Record<DeliveryEnd, number>>> {
  const { queue, log } = ports;
  const ends: Record<DeliveryEnd, number> = { settled: 0, returned: 0, hung: 0 };
  const { inHand = new Set() } = options;
  const taken = new Set<Held>();
  const wallTimes = makeWallTimes();
  const pulling = new AbortController();
  // Beside the signals, which are slow to ask: in Node each is of a shape of its own.
  let [isPulling, isStopped] = [true, false];
  /** Of tasks that ended without being handed back, for the next ones. */
  const unused: AbortController[] = [];
  let grace: NodeJS.Timeout | undefined;
  let onEnd = (): void => undefined;
  const nextEnd = (): Promise<void> => new Promise((resolve) => { onEnd = resolve; });

  const handBack = (which: (held: Held) => boolean): void => {
    for (const held of taken) {
      if (!which(held)) continue;
      held.isHandedBack = true;
      held.handBack.abort();
    }
  };
  const endPulling = (): void => {
    isPulling = false;
    pulling.abort();
  };
  const onStop = (): void => {
    isStopped = true;
    endPulling();
    handBack(() => true);
  };
  const onDrain = (): void => {
    endPulling();
    handBack(({ task, sinceMs }) => !wallTimes.fits(task.kind, performance.now() - sinceMs, options.graceMs));
    grace = setTimeout(() => { handBack(() => true); }, options.graceMs);
  };

  async function run(held: Held): Promise<void> {
    const { delivery, task, sinceMs, handBack } = held;
    try {
      const end = await runDelivery(ports, delivery, handBack.signal, (stage) => { task.stage = stage; });
      ends[end] += 1;
      if (end === 'settled') wallTimes.add(task.kind, performance.now() - sinceMs);
      if (end === 'hung') onStop();
    } catch (error) {
      // The bus took no answer: after its ack wait the task is delivered again.
      log('task:unsettled', { subject: delivery.subject, error: messageOf(error) });
    }
  }

  const beats = setInterval(() => {
    for (const held of taken) void keepLease(held, () => taken.has(held), log);
  }, options.heartbeatMs);

  for (const [signal, act] of [[options.drain, onDrain], [options.stop, onStop]] as const) {
    if (signal.aborted) act();
    signal.addEventListener('abort', act);
  }
  while (isPulling) {
    if (taken.size >= options.slots) {
      await nextEnd();
      continue;
    }
    const delivery = await queue.pullTask(options.kinds, options.pullWaitMs ?? 5_000, pulling.signal).catch(async (error: unknown) => {
      log('bus:problem', { error: messageOf(error) });
      await delay(1_000, undefined, { signal: pulling.signal }).catch(() => undefined);
      return null;
    });
    if (delivery === null) continue;
    const { sceneId, taskId, kind } = parseTaskSubject(delivery.subject) ?? { sceneId: '', taskId: delivery.subject, kind: '' };
    const held: Held = {
      delivery, task: { sceneId, taskId, kind, since: ports.now() }, sinceMs: performance.now(), handBack: unused.pop() ?? new AbortController(),
      isHandedBack: false, isDoubtful: false,
    };
    taken.add(held);
    inHand.add(held.task);
    void run(held).then(() => {
      taken.delete(held);
      inHand.delete(held.task);
      if (!held.isHandedBack) unused.push(held.handBack);
      onEnd();
    });
    // It came while the agent was asked to stop.
    if (isStopped) handBack((one) => one === held);
  }
  while (taken.size > 0) await nextEnd();
  clearInterval(beats);
  clearTimeout(grace);
  options.drain.removeEventListener('abort', onDrain);
  options.stop.removeEventListener('abort', onStop);
  return ends;
}

/**
 * Asks for more time, as one beat of all tasks in hand does. An unconfirmed beat is no reason to stop: during an outage of the bus every
 * agent would throw its work away, while a late ack takes the task off the queue, and two agents that finish
 * the same task write the same bytes under the same key.
 */
async function keepLease(held: Held, isInHand: () => boolean, log: Log): Promise<void> {
  const { delivery, isDoubtful } = held;
  held.isDoubtful = !(await delivery.working());
  if (!held.isDoubtful || isDoubtful || !isInHand()) return;
  const ids = parseTaskSubject(delivery.subject);
  log('lease:doubtful', { sceneId: ids?.sceneId ?? '', taskId: ids?.taskId ?? '', attempt: delivery.attempt });
}
