// SPDX-License-Identifier: Apache-2.0
import type { NatsConnection, PublishOptions } from '@nats-io/transport-node';

/** A message on its way out. */
export interface Outgoing {
  payload: Uint8Array | string;
  options: PublishOptions | undefined;
  /** False: it still waits, and may be changed. */
  isSent: boolean;
}

/** Messages on their way out. */
export interface Outbox {
  /** Sends a message soon, in the order of the calls. What is sent while the connection is away may be lost; on a closed one nothing happens. */
  send(subject: string, payload: Uint8Array | string, options?: PublishOptions): Outgoing;
  /** Hands over what waits, so that draining the connection sends it. */
  flush(): void;
}

/**
 * Sends what one turn of the program has to say in one write to the socket. The client flushes after each microtask, so that an
 * event, an ack and the next pull, a promise or two apart, would be three writes, and each of them wakes the server.
 */
export function openOutbox(nc: NatsConnection): Outbox {
  let waiting: (Outgoing & { readonly subject: string })[] = [];
  const flush = (): void => {
    const now = waiting;
    waiting = [];
    for (const message of now) {
      message.isSent = true;
      if (!nc.isClosed()) nc.publish(message.subject, message.payload, message.options);
    }
  };
  return {
    send(subject, payload, options) {
      // A tick comes after all microtasks.
      if (waiting.length === 0) process.nextTick(flush);
      const message = { subject, payload, options, isSent: false };
      waiting.push(message);
      return message;
    },
    flush,
  };
}
