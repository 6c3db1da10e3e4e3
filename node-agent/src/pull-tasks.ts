// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { type AgentInfo, type TaskKind, parseTaskSubject } from '@altiplano/protocol';
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
  /** Told whenever a task is taken or ended. */
  readonly onInHand?: (tasks: readonly InHand[]) => void;
}

/** A task in hand; its stage changes as it goes. */
export type InHand = AgentInfo['inHand'][number];

interface Held {
  readonly delivery: TaskDelivery;
  readonly task: InHand;
  readonly sinceMs: number;
  readonly handBack: AbortController;
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
  const inHand = new Map<Promise<void>, Held>();
  const wallTimes = makeWallTimes();
  const pulling = new AbortController();
  /** Of tasks that ended without being handed back, for the next ones. */
  const unused: AbortController[] = [];
  let grace: NodeJS.Timeout | undefined;

  const tellInHand = (): void => { options.onInHand?.([...inHand.values()].map(({ task }) => task)); };
  const handBack = (which: (held: Held) => boolean): void => {
    for (const held of inHand.values()) if (which(held)) held.handBack.abort();
  };
  const onStop = (): void => {
    pulling.abort();
    handBack(() => true);
  };
  const onDrain = (): void => {
    pulling.abort();
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
      log('task:unsettled', { subject: delivery.subject, error: error instanceof Error ? error.message : String(error) });
    }
  }

  const beats = setInterval(() => {
    for (const [running, held] of inHand) void keepLease(held, () => inHand.has(running), log);
  }, options.heartbeatMs);

  for (const [signal, act] of [[options.drain, onDrain], [options.stop, onStop]] as const) {
    if (signal.aborted) act();
    signal.addEventListener('abort', act);
  }
  while (!pulling.signal.aborted) {
    if (inHand.size >= options.slots) {
      await Promise.race(inHand.keys());
      continue;
    }
    const delivery = await queue.pullTask(options.kinds, options.pullWaitMs ?? 5_000, pulling.signal).catch(async (error: unknown) => {
      log('bus:problem', { error: error instanceof Error ? error.message : String(error) });
      await delay(1_000, undefined, { signal: pulling.signal }).catch(() => undefined);
      return null;
    });
    if (delivery === null) continue;
    const ids = parseTaskSubject(delivery.subject) ?? { sceneId: '', taskId: delivery.subject, kind: '' };
    const held: Held = {
      delivery, task: { ...ids, since: ports.now().toISOString() }, sinceMs: performance.now(), handBack: unused.pop() ?? new AbortController(), isDoubtful: false,
    };
    const running: Promise<void> = run(held).then(() => {
      inHand.delete(running);
      if (!held.handBack.signal.aborted) unused.push(held.handBack);
      tellInHand();
    });
    inHand.set(running, held);
    tellInHand();
    // It came while the agent was asked to stop.
    if (options.stop.aborted) held.handBack.abort();
  }
  await Promise.all(inHand.keys());
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
