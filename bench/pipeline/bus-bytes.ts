// SPDX-License-Identifier: Apache-2.0
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** Bytes of messages that clients sent to the bus, and got from it. */
export interface BusBytes { readonly inBytes: number; readonly outBytes: number; readonly inMessages: number; readonly outMessages: number }

const varz = z.object({ in_bytes: z.number(), out_bytes: z.number(), in_msgs: z.number(), out_msgs: z.number() });
const ports = z.object({ monitoring: z.array(z.string()).min(1) });

/**
 * Asks a nats-server with monitoring how much went through it, every half second, from when its ports file shows up in `folder`
 * (docs.nats.io, Monitoring, /varz). What passes after the last answer isn't counted: a handful of messages.
 */
export function watchBus(folder: string, intervalMs = 500): { stop(): BusBytes } {
  let last: BusBytes = { inBytes: 0, outBytes: 0, inMessages: 0, outMessages: 0 };
  let asking = false;
  const ask = async (): Promise<void> => {
    const name = (await readdir(folder)).find((file) => file.endsWith('.ports'));
    if (name === undefined) return;
    const [url = ''] = ports.parse(JSON.parse(await readFile(join(folder, name), 'utf8'))).monitoring;
    const answer = varz.parse(await (await fetch(`${url}/varz`)).json());
    last = { inBytes: answer.in_bytes, outBytes: answer.out_bytes, inMessages: answer.in_msgs, outMessages: answer.out_msgs };
  };
  const timer = setInterval(() => {
    if (asking) return;
    asking = true;
    // Before the server's start and after its end there is nobody to ask; a file half written is read again.
    void ask().catch(() => undefined).finally(() => { asking = false; });
  }, intervalMs);
  return {
    stop() {
      clearInterval(timer);
      return last;
    },
  };
}
