// SPDX-License-Identifier: Apache-2.0
import { type Msg, type NatsConnection, type Subscription, createInbox } from '@nats-io/transport-node';
import { ServiceUnavailableError, type Task, type TaskKind, taskConsumer, taskHash, tasksStream } from '../src/index.js';
import type { TaskDelivery } from './task-queue.js';

const replyTimeoutMs = 5_000;
const answerTimeoutMs = 2_000;

/** 'message': a task; 'none': no task in time; 'unanswered': the bus is away, or lost its consumers with its state. */
export type Pulled = { readonly is: 'message'; readonly message: Msg } | { readonly is: 'none' } | { readonly is: 'unanswered' };

/**
 * One pull request for one message to each consumer of `kinds`, to whichever comes first.
 *
 *   request(s) --> server --> message           first: returned; any later one: handed back at once
 *                         \-> status 404, 408   no message (at once for no_wait, else when the pull expired)
 *                         \-> status 503, or silence: no such consumer
 *
 * The server drops a pull whose reply inbox nobody listens to, so unsubscribing cancels the others; a message
 * already on its way is handed back while the subscription drains.
 */
export async function pullFirst(nc: NatsConnection, kinds: readonly TaskKind[], waitMs: number, signal: AbortSignal): Promise<Pulled> {
  const pull = waitMs > 0 ? { batch: 1, expires: waitMs * 1_000_000 } : { batch: 1, no_wait: true };
  return new Promise((resolve, reject) => {
    let isSettled = false;
    let open = kinds.length;
    const settle = (result: Pulled): void => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      void cancel(subscription);
      resolve(result);
    };
    const onAbort = (): void => { settle({ is: 'none' }); };
    const subscription = nc.subscribe(createInbox(), {
      callback: (error, message) => {
        if (error !== null) {
          clearTimeout(timer);
          reject(new ServiceUnavailableError(`bus: pull refused: ${error.message}`, error));
          isSettled = true;
          return;
        }
        const status = statusOf(message);
        if (status === null) {
          if (isSettled) message.respond(handBack(0));
          else settle({ is: 'message', message });
        } else if (status === 503) {
          settle({ is: 'unanswered' });
        } else if (status >= 400) {
          open -= 1;
          if (open === 0) settle({ is: 'none' });
        }
      },
    });
    const timer = setTimeout(() => { settle({ is: 'unanswered' }); }, waitMs + answerTimeoutMs);
    signal.addEventListener('abort', onAbort);
    for (const kind of kinds) {
      nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${tasksStream}.${taskConsumer(kind)}`, JSON.stringify(pull), { reply: subscription.getSubject() });
    }
  });
}

async function cancel(subscription: Subscription): Promise<void> {
  try {
    await subscription.drain();
  } catch {
    // The connection is away or closed, and the subscription with it; a message lost there comes again after its ack wait.
  }
}

/** <scene>.<task>.<hash>.<round>, each of them without a dot. */
export const messageIdOf = (task: Task, round: string): string => `${task.sceneId}.${task.taskId}.${taskHash(task)}.${round}`;

function hashInMessageId(id: string): string | null {
  const parts = id.split('.');
  return parts.length === 4 ? parts[2] ?? null : null;
}

/** A status is a message without a body whose header says NATS/1.0 <code>; null: a real message. */
function statusOf(message: Msg): number | null {
  const code = message.headers?.code ?? 0;
  return code > 0 && message.data.length === 0 ? code : null;
}

const handBack = (delayMs: number): string => (delayMs > 0 ? `-NAK ${JSON.stringify({ delay: Math.round(delayMs) * 1_000_000 })}` : '-NAK');

/**
 * The delivery in a pulled message. Its reply subject tells how often it was delivered and takes the answers
 * (source: NATS ADR-15): $JS.ACK.[domain.account.]stream.consumer.delivered.sequence.…
 */
export function deliveryOf(nc: NatsConnection, message: Msg): TaskDelivery {
  const reply = message.reply ?? '';
  const tokens = reply.split('.');
  const attempt = Number(tokens[tokens.length > 9 ? 6 : 4]);
  async function settle(answer: string): Promise<void> {
    try {
      await nc.request(reply, answer, { timeout: replyTimeoutMs });
    } catch (cause) {
      throw new ServiceUnavailableError(`bus: no confirmation of ${answer.slice(0, 5)} for ${message.subject}; it will be delivered again`, cause);
    }
  }
  return {
    bytes: message.data,
    subject: message.subject,
    hash: hashInMessageId(message.headers?.get('Nats-Msg-Id') ?? ''),
    attempt,
    working: () => nc.request(reply, '+WPI', { timeout: replyTimeoutMs }).then(() => true, () => false),
    ack: () => settle('+ACK'),
    retry: (delayMs) => settle(handBack(delayMs)),
    // With a reason ("+TERM why") nats-server 2.9 would deliver it again.
    reject: () => settle('+TERM'),
  };
}
