// SPDX-License-Identifier: Apache-2.0
import { type Msg, type NatsConnection, type Subscription, createInbox } from '@nats-io/transport-node';
import { ServiceUnavailableError, type TaskKind, taskConsumer, tasksStream } from '../src/index.js';
import type { Outbox, Outgoing } from './nats-outbox.js';
import { type Requests, statusOf } from './nats-requests.js';
import { mayHaveAttemptsHeader, parseWork, taskHeader } from './nats-work.js';
import type { TaskDelivery } from './task-queue.js';

const answerTimeoutMs = 2_000;

/** 'message': a task; 'none': no task in time; 'unanswered': the bus is away, or lost its consumers with its state. */
export type Pulled = { readonly is: 'message'; readonly message: Msg } | { readonly is: 'none' } | { readonly is: 'unanswered' };

/** Pulls one message at a time. */
export interface Puller {
  /**
   * One pull request for one message to each consumer of `kinds`, to whichever comes first; with waitMs 0 the answer comes at once.
   *
   *   request(s) --> server --> message           first: returned; any later one: handed back at once
   *                         \-> status 404, 408   no message (at once for no_wait, else when the pull expired)
   *                         \-> status 503, or silence: no such consumer
   */
  pull(kinds: readonly TaskKind[], waitMs: number): Promise<Pulled>;
  /** Acks a message. While the ack waits to be sent, the next pull of its kind goes along with it: one message less for the server. */
  ack(reply: string): void;
  /** Ends the pulls that wait, as after a lost connection. */
  wake(): void;
  /** Fails the pulls that were sent to `subject`, which the server doesn't let us publish to. */
  deny(subject: string, error: Error): void;
}

/** A subscription for answers, and who waits for them. */
interface Line {
  readonly subscription: Subscription;
  onMessage: (message: Msg) => void;
  onError: (error: Error) => void;
}

/**
 * Pulls over subscriptions that are used again, as making one costs more than a pull. The server drops a pull whose reply inbox nobody
 * listens to, so a line with unanswered pulls is given up: that cancels them, and what is already on its way is handed back.
 */
export function openPuller(nc: NatsConnection, outbox: Outbox, inboxPrefix?: string): Puller {
  const idle: Line[] = [];
  let ack: { readonly reply: string; readonly message: Outgoing } | null = null;
  const waiting = new Set<{ readonly subjects: readonly string[]; wake(): void; fail(error: Error): void }>();

  function openLine(): Line {
    const line: Line = {
      subscription: nc.subscribe(createInbox(inboxPrefix), {
        callback: (error, message) => {
          if (error !== null) line.onError(error);
          else line.onMessage(message);
        },
      }),
      onMessage: refuse, onError: () => undefined,
    };
    return line;
  }

  /** Sends a pull of a kind, with the ack that waits where that is of the same kind (source: NATS ADR-15, `+NXT`); tells to what subject. */
  function request(kind: TaskKind, text: string, reply: string): string {
    const waitingAck = ack;
    ack = null;
    if (waitingAck !== null && !waitingAck.message.isSent && waitingAck.reply.includes(`.${tasksStream(kind)}.${taskConsumer(kind)}.`)) {
      waitingAck.message.payload = `+NXT ${text}`;
      waitingAck.message.options = { reply };
      return waitingAck.reply;
    }
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${tasksStream(kind)}.${taskConsumer(kind)}`;
    outbox.send(subject, text, { reply });
    return subject;
  }

  return {
    ack(reply) { ack = { reply, message: outbox.send(reply, '+ACK') }; },
    wake() { for (const pull of waiting) pull.wake(); },
    deny(subject, error) { for (const pull of waiting) if (pull.subjects.includes(subject)) pull.fail(error); },
    pull: (kinds, waitMs) => new Promise((resolve, reject) => {
      const line = idle.pop() ?? openLine();
      let open = kinds.length;
      const end = (): void => {
        clearTimeout(timer);
        waiting.delete(pull);
        [line.onMessage, line.onError] = [refuse, () => undefined];
        if (open === 0) idle.push(line);
        else void cancel(line.subscription);
      };
      const settle = (result: Pulled): void => {
        end();
        resolve(result);
      };
      const fail = (error: Error): void => {
        end();
        reject(error);
      };
      const pull = {
        subjects: new Array<string>(),
        wake: () => { settle({ is: 'none' }); },
        fail,
      };
      line.onError = (error) => { fail(new ServiceUnavailableError(`bus: pull refused: ${error.message}`, error)); };
      line.onMessage = (message) => {
        const status = statusOf(message);
        if (status !== null && status < 400) return;
        open -= 1;
        if (status === null) settle({ is: 'message', message });
        else if (status === 503) settle({ is: 'unanswered' });
        else if (open === 0) settle({ is: 'none' });
      };
      const timer = setTimeout(() => { settle({ is: 'unanswered' }); }, waitMs + answerTimeoutMs);
      waiting.add(pull);
      const text = waitMs > 0 ? JSON.stringify({ batch: 1, expires: waitMs * 1_000_000 }) : '{"batch":1,"no_wait":true}';
      if (nc.isClosed()) return settle({ is: 'none' });
      for (const kind of kinds) pull.subjects.push(request(kind, text, line.subscription.getSubject()));
    }),
  };
}

/** A message nobody waits for. */
const refuse = (message: Msg): void => { if (statusOf(message) === null) message.respond(handBack(0)); };

async function cancel(subscription: Subscription): Promise<void> {
  try {
    await subscription.drain();
  } catch {
    // The connection is away or closed, and the subscription with it; a message lost there comes again after its ack wait.
  }
}

const handBack = (delayMs: number): string => (delayMs > 0 ? `-NAK ${JSON.stringify({ delay: Math.round(delayMs) * 1_000_000 })}` : '-NAK');

/**
 * The delivery in a pulled message. Its reply subject tells how often it was delivered and takes the answers
 * (source: NATS ADR-15): $JS.ACK.[domain.account.]stream.consumer.delivered.sequence.…
 */
export function deliveryOf(puller: Puller, requests: Requests, message: Msg): TaskDelivery {
  const reply = message.reply ?? '';
  const tokens = reply.split('.');
  const attempt = Number(tokens[tokens.length > 9 ? 6 : 4]);
  const isConfirmed = async (answer: string): Promise<boolean> => {
    const confirmation = await requests.ask(reply, answer);
    return confirmation !== null && statusOf(confirmation) === null;
  };
  async function settle(answer: string): Promise<void> {
    if (await isConfirmed(answer)) return;
    throw new ServiceUnavailableError(`bus: no confirmation of ${answer.slice(0, 5)} for ${message.subject}; it will be delivered again`);
  }
  return {
    bytes: message.data,
    subject: message.subject,
    ...parseWork(message.headers?.get(taskHeader) ?? ''),
    mayHaveAttempts: message.headers?.has(mayHaveAttemptsHeader) === true,
    attempt,
    // What the server refuses is reported where the connection is watched.
    working: () => isConfirmed('+WPI').catch(() => false),
    async ack() { puller.ack(reply); },
    retry: (delayMs) => settle(handBack(delayMs)),
    // With a reason ("+TERM why") nats-server 2.9 would deliver it again.
    reject: () => settle('+TERM'),
  };
}
