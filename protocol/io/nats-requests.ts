// SPDX-License-Identifier: Apache-2.0
import { type Msg, type MsgHdrs, type NatsConnection, createInbox } from '@nats-io/transport-node';
import type { Outbox } from './nats-outbox.js';

export interface Requests {
  /** Sends a request and waits for its answer. Null: there was none in time, the connection was lost, or the signal aborted. Throws what `deny` was given. */
  ask(subject: string, payload: Uint8Array | string, more?: { readonly headers?: MsgHdrs | undefined; readonly signal?: AbortSignal | undefined }): Promise<Msg | null>;
  /** Ends all that wait without an answer. */
  giveUp(): void;
  /** Ends those that wait for an answer to `subject`, which the server doesn't let us use; all, and all to come, where that is where answers come to. */
  deny(subject: string, error: Error): void;
}

const timeoutMs = 5_000;
const sweepMs = 500;

/**
 * Requests whose answers come to one subscription, thousands at a time. The client's own `request` makes a timer and an error with
 * its stack for each; here one timer serves all, as all have the same patience.
 */
export function openRequests(nc: NatsConnection, outbox: Outbox, inboxPrefix?: string): Requests {
  const inbox = `${createInbox(inboxPrefix)}.`;
  /** Oldest first. */
  const waiting = new Map<string, { readonly subject: string; readonly until: number; readonly end: (answer: Msg | null | Error) => void }>();
  let [next, sweeper]: [number, NodeJS.Timeout | null] = [0, null];
  let deaf: Error | null = null;

  const end = (token: string, answer: Msg | null | Error): void => {
    const one = waiting.get(token);
    waiting.delete(token);
    one?.end(answer);
  };
  const sweep = (): void => {
    const now = performance.now();
    for (const [token, { until }] of waiting) {
      if (until > now) break;
      end(token, null);
    }
    sweeper = waiting.size === 0 ? null : setTimeout(sweep, sweepMs);
  };
  nc.subscribe(`${inbox}*`, { callback: (error, message) => { if (error === null) end(message.subject.slice(inbox.length), message); } });

  return {
    ask(subject, payload, { headers, signal } = {}) {
      const token = (next++).toString(36);
      return new Promise((resolve, reject) => {
        const onAbort = (): void => { end(token, null); };
        signal?.addEventListener('abort', onAbort);
        waiting.set(token, {
          subject, until: performance.now() + timeoutMs,
          end: (answer) => {
            signal?.removeEventListener('abort', onAbort);
            if (answer instanceof Error) reject(answer);
            else resolve(answer);
          },
        });
        sweeper ??= setTimeout(sweep, sweepMs);
        if (deaf !== null) return end(token, deaf);
        if (signal?.aborted || nc.isClosed()) return onAbort();
        outbox.send(subject, payload, { reply: inbox + token, ...(headers && { headers }) });
      });
    },
    giveUp() { for (const token of waiting.keys()) end(token, null); },
    deny(subject, error) {
      if (subject === `${inbox}*`) deaf = error;
      for (const [token, one] of waiting) if (deaf !== null || one.subject === subject) end(token, error);
    },
  };
}

/** A status is a message without a body whose header says NATS/1.0 <code>; null: a real message. */
export function statusOf(message: Msg): number | null {
  const code = message.headers?.code ?? 0;
  return code > 0 && message.data.length === 0 ? code : null;
}
