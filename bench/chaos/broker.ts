// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startNatsServer } from '@altiplano/protocol/io';

/** A nats-server to be mistreated. It stays at its port. */
export interface Broker {
  readonly port: number;
  /** Kill -9, and start again after `downMs`; with its storage, or without. */
  restart(downMs: number, keepsStorage: boolean): Promise<void>;
  /** SIGSTOP and, after `ms`, SIGCONT. */
  pause(ms: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startBroker(folder: string): Promise<Broker> {
  // JetStream's files are below this folder of the folder; the log beside it is to stay.
  const storage = join(folder, 'jetstream');
  let server = await startNatsServer({ storeDir: folder });
  const port = Number(new URL(server.url).port);
  /** One thing at a time. */
  let last: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    last = last.then(work);
    return last;
  };
  return {
    port,
    restart: (downMs, keepsStorage) => inTurn(async () => {
      process.kill(server.pid, 'SIGKILL');
      await server.ended;
      if (!keepsStorage) await rm(storage, { recursive: true, force: true });
      await delay(downMs);
      server = await startNatsServer({ storeDir: folder, port });
    }),
    pause: (ms) => inTurn(async () => {
      process.kill(server.pid, 'SIGSTOP');
      await delay(ms);
      process.kill(server.pid, 'SIGCONT');
    }),
    stop: () => inTurn(() => server.stop()),
  };
}
