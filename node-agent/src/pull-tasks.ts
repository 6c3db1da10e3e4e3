// SPDX-License-Identifier: Apache-2.0
import { type AgentInfo, type TaskKind, parseTaskSubject } from '@altiplano/protocol';
import type { TaskDelivery, TaskQueue } from '@altiplano/protocol/io';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from './log.js';
import { type DeliveryEnd, type DeliveryPorts, runDelivery } from './run-delivery.js';

export interface PullOptions {
  readonly slots: number;
  /** In order of preference. */
  readonly kinds: readonly TaskKind[];
  /** How often a task in hand asks for more time; a third of the queue's ack wait or less. */
  readonly heartbeatMs: number;
  readonly pullWaitMs?: number;
  /** Aborts: pull no more, finish what is in hand. */
  readonly drain: AbortSignal;
  /** Aborts: hand back what is in hand. */
  readonly stop: AbortSignal;
  /** Told whenever a task is taken or ended. */
  readonly onInHand?: (tasks: AgentInfo['inHand']) => void;
}

/**
 * Pulls tasks while a slot is free and runs each beside its heartbeat, until `drain` aborts and all are
 * answered. A slot is free again when its task is answered.
 */
export async function pullTasks(
  ports: DeliveryPorts & { readonly queue: TaskQueue }, options: PullOptions,
): Promise<Readonly<Record<DeliveryEnd, number>>> {
  const { queue, log } = ports;
  const ends: Record<DeliveryEnd, number> = { settled: 0, returned: 0 };
  const inHand = new Map<Promise<void>, AgentInfo['inHand'][number]>();
  const drain = AbortSignal.any([options.drain, options.stop]);
  const tellInHand = (): void => { options.onInHand?.([...inHand.values()]); };

  async function run(delivery: TaskDelivery): Promise<void> {
    const beat = keepLease(delivery, options.heartbeatMs, log);
    try {
      ends[await runDelivery(ports, delivery, options.stop)] += 1;
    } catch (error) {
      // The bus took no answer: after its ack wait the task is delivered again.
      log('task:unsettled', { subject: delivery.subject, error: error instanceof Error ? error.message : String(error) });
    } finally {
      beat.stop();
    }
  }

  while (!drain.aborted) {
    if (inHand.size >= options.slots) {
      await Promise.race(inHand.keys());
      continue;
    }
    const delivery = await queue.pullTask(options.kinds, options.pullWaitMs ?? 5_000, drain).catch(async (error: unknown) => {
      log('bus:problem', { error: error instanceof Error ? error.message : String(error) });
      await delay(1_000, undefined, { signal: drain }).catch(() => undefined);
      return null;
    });
    if (delivery === null) continue;
    const running: Promise<void> = run(delivery).finally(() => {
      inHand.delete(running);
      tellInHand();
    });
    const ids = parseTaskSubject(delivery.subject) ?? { sceneId: '', taskId: delivery.subject, kind: '' };
    inHand.set(running, { ...ids, since: ports.now().toISOString() });
    tellInHand();
  }
  await Promise.all(inHand.keys());
  return ends;
}

/**
 * Asks for more time regularly. An unconfirmed beat is no reason to stop: during an outage of the bus every
 * agent would throw its work away, while a late ack takes the task off the queue, and two agents that finish
 * the same task write the same bytes under the same key.
 */
function keepLease(delivery: TaskDelivery, everyMs: number, log: Log): { stop(): void } {
  let isDoubtful = false;
  const beat = async (): Promise<void> => {
    const isConfirmed = await delivery.working();
    if (!isConfirmed && !isDoubtful) {
      const ids = parseTaskSubject(delivery.subject);
      log('lease:doubtful', { sceneId: ids?.sceneId ?? '', taskId: ids?.taskId ?? '', attempt: delivery.attempt });
    }
    isDoubtful = !isConfirmed;
  };
  const timer = setInterval(() => { void beat(); }, everyMs);
  return { stop: () => { clearInterval(timer); } };
}
