// SPDX-License-Identifier: Apache-2.0
import { type Msg, type NatsConnection, type Subscription, createInbox } from '@nats-io/transport-node';
import { ServiceUnavailableError, type TaskKind, taskConsumer, tasksStream } from '../src/index.js';
import type { Outbox, Outgoing } from './nats-outbox.js';
import { type Requests, statusOf } from './nats-requests.js';
import { mayHaveAttemptsHeader, parseWork, taskHeader } from './nats-work.js';
import type { TaskDelivery } from './task-queue.js';

/** After this much silence a pull that should have ended counts as unanswered, and one that doesn't wait as forgotten. */
const [answerTimeoutMs, forgottenMs] = [2_000, 500];

/**
 * 'message': a task; 'none': no task in time; 'unanswered': the bus is away, or lost its consumers with its state; 'forgotten': no answer to a
 * pull that doesn't wait. nats-server keeps such a pull without a word where another agent's pull, a moment before it, gets the last task
 * (`processNextMsgReq` in its server/consumer.go says no only if more pulls wait than there are tasks).
 */
export type Pulled = { readonly is: 'message'; readonly message: Msg } | { readonly is: 'none' | 'unanswered' | 'forgotten' };

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

/** A subscription for answers, and the pull that waits for them. Made once and used for thousands of pulls, which so make next to nothing. */
interface Line {
  readonly subscription: Subscription;
  /** Where this pull's requests were sent to. */
  subjects: string[];
  /** Requests without an answer. */
  open: number;
  /** When the pull counts as unanswered or forgotten, and which of both. */
  until: number;
  silence: Pulled;
  timer: { readonly at: number; readonly timeout: NodeJS.Timeout } | null;
  /** Null: nobody waits. */
  waiter: { readonly resolve: (pulled: Pulled) => void; readonly reject: (error: Error) => void } | null;
}

/**
 * Pulls over subscriptions that are used again, as making one costs more than a pull. The server drops a pull whose reply inbox nobody
 * listens to, so a line with unanswered pulls is given up: that cancels them. What is already on its way is handed back, after `onUnwanted`, which must
 * not reject, was told of it.
 */
export function openPuller(nc: NatsConnection, outbox: Outbox, inboxPrefix: string | undefined, onUnwanted: (message: Msg) => Promise<void>): Puller {
  const idle: Line[] = [];
  let ack: { readonly reply: string; readonly message: Outgoing } | null = null;
  const waiting = new Set<Line>();

  function openLine(): Line {
    const line: Line = {
      subscription: nc.subscribe(createInbox(inboxPrefix), {
        callback: (error, message) => {
          if (error !== null) fail(line, new ServiceUnavailableError(`bus: pull refused: ${error.message}`, error));
          else hear(line, message);
        },
      }),
      subjects: [], open: 0, until: 0, silence: unanswered, timer: null, waiter: null,
    };
    return line;
  }

  function hear(line: Line, message: Msg): void {
    const status = statusOf(message);
    if (line.waiter === null) {
      if (status === null) void onUnwanted(message).then(() => { if (!nc.isClosed()) message.respond(handBack(0)); });
      return;
    }
    if (status !== null && status < 400) return;
    line.open -= 1;
    if (status === null) settle(line, { is: 'message', message });
    else if (status === 503) settle(line, unanswered);
    else if (line.open === 0) settle(line, none);
  }

  function settle(line: Line, pulled: Pulled): void {
    const waiter = end(line);
    waiter?.resolve(pulled);
  }
  function fail(line: Line, error: Error): void {
    const waiter = end(line);
    waiter?.reject(error);
  }
  function end(line: Line): Line['waiter'] {
    const { waiter } = line;
    if (waiter === null) return null;
    line.waiter = null;
    waiting.delete(line);
    if (line.open === 0) idle.push(line);
    else {
      clearTimeout(line.timer?.timeout);
      void cancel(line.subscription);
    }
    return waiter;
  }

  /** A line's timer goes on from pull to pull: most are over long before, and setting it each time would cost more than looking once a while. */
  function watch(line: Line): void {
    if (line.timer !== null && line.timer.at <= line.until) return;
    clearTimeout(line.timer?.timeout);
    const timeout = setTimeout(() => {
      line.timer = null;
      const { waiter } = line;
      if (waiter === null) return;
      if (line.until > performance.now()) return watch(line);
      // Timers come first in a turn of the event loop: an answer that came while this program was busy elsewhere is read only now.
      setImmediate(() => {
        if (line.waiter === waiter) settle(line, line.silence);
      });
    }, line.until - performance.now());
    // A pull that waits has a connection to keep the program running.
    timeout.unref();
    line.timer = { at: line.until, timeout };
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
    wake() { for (const line of waiting) settle(line, none); },
    deny(subject, error) { for (const line of waiting) if (line.subjects.includes(subject)) fail(line, error); },
    pull: (kinds, waitMs) => new Promise((resolve, reject) => {
      const line = idle.pop() ?? openLine();
      line.waiter = { resolve, reject };
      line.open = kinds.length;
      line.subjects = [];
      if (nc.isClosed()) return settle(line, none);
      line.until = performance.now() + (waitMs > 0 ? waitMs + answerTimeoutMs : forgottenMs);
      line.silence = waitMs > 0 ? unanswered : forgotten;
      watch(line);
      waiting.add(line);
      const text = waitMs > 0 ? JSON.stringify({ batch: 1, expires: waitMs * 1_000_000 }) : '{"batch":1,"no_wait":true}';
      for (const kind of kinds) line.subjects.push(request(kind, text, line.subscription.getSubject()));
    }),
  };
}

const none: Pulled = { is: 'none' };
const unanswered: Pulled = { is: 'unanswered' };
const forgotten: Pulled = { is: 'forgotten' };

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
export class NatsDelivery implements TaskDelivery {
  readonly bytes: Uint8Array;
  readonly subject: string;
  readonly hash: string | null;
  readonly round: number;
  readonly message: string | null;
  readonly mayHaveAttempts: boolean;
  readonly attempt: number;
  readonly #ports: { readonly puller: Puller; readonly requests: Requests };
  readonly #reply: string;

  constructor(ports: { readonly puller: Puller; readonly requests: Requests }, message: Msg) {
    this.#ports = ports;
    this.#reply = message.reply ?? '';
    const tokens = this.#reply.split('.');
    this.attempt = Number(tokens[tokens.length > 9 ? 6 : 4]);
    this.bytes = message.data;
    this.subject = message.subject;
    const { headers } = message;
    ({ hash: this.hash, round: this.round, message: this.message } = parseWork(headers?.get(taskHeader) ?? ''));
    this.mayHaveAttempts = headers?.has(mayHaveAttemptsHeader) === true;
  }

  /** What the server refuses is reported where the connection is watched. */
  working(): Promise<boolean> { return this.#isConfirmed('+WPI').catch(() => false); }
  async ack(): Promise<void> { this.#ports.puller.ack(this.#reply); }
  retry(delayMs: number): Promise<void> { return this.#settle(handBack(delayMs)); }
  /** With a reason ("+TERM why") nats-server 2.9 would deliver it again. */
  reject(): Promise<void> { return this.#settle('+TERM'); }

  async #isConfirmed(answer: string): Promise<boolean> {
    const confirmation = await this.#ports.requests.ask(this.#reply, answer);
    return confirmation !== null && statusOf(confirmation) === null;
  }
  async #settle(answer: string): Promise<void> {
    if (await this.#isConfirmed(answer)) return;
    throw new ServiceUnavailableError(`bus: no confirmation of ${answer.slice(0, 5)} for ${this.subject}; it will be delivered again`);
  }
}
