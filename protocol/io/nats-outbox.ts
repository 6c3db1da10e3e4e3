// SPDX-License-Identifier: Apache-2.0
import type { NatsConnection, PublishOptions } from '@nats-io/transport-node';

/** Messages on their way out. */
export interface Outbox {
  /** Sends a message soon, in the order of the calls. What is sent while the connection is away may be lost; on a closed one nothing happens. */
  send(subject: string, payload: Uint8Array | string, options?: PublishOptions): void;
  /** Hands over what waits, so that draining the connection sends it. */
  flush(): void;
}

/**
 * Sends what one turn of the program has to say in one write to the socket. The client flushes after each microtask, so that an
 * event, an ack and the next pull, a promise or two apart, would be three writes, and each of them wakes the server.
 */
export function openOutbox(nc: NatsConnection): Outbox {
  let waiting: (() => void)[] = [];
  const flush = (): void => {
    const now = waiting;
    waiting = [];
    if (!nc.isClosed()) for (const publish of now) publish();
  };
  return {
    send(subject, payload, options) {
      // A tick comes after all microtasks.
      if (waiting.length === 0) process.nextTick(flush);
      waiting.push(() => { nc.publish(subject, payload, options); });
    },
    flush,
  };
}
