// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import { type Frame, openFrameReader } from './nats-frames.js';

/** What befalls a message on the wire. 'late': behind the one that follows it, or after a while where none does. */
export type Fate = 'pass' | 'twice' | 'late' | 'lost';
export type Direction = 'to-server' | 'to-client';

export interface BusProxy {
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

const latestMs = 300;

/**
 * Stands between the programs and their nats-server, which may go and come back meanwhile. Messages are few and small here, so nobody waits
 * for a slow reader.
 */
export async function openBusProxy(serverPort: number, fateOf: (frame: Frame, direction: Direction) => Fate): Promise<BusProxy> {
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(serverPort, '127.0.0.1');
    const ends = [relay(client, upstream, 'to-server', fateOf), relay(upstream, client, 'to-client', fateOf)];
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => { /* 'close' follows */ });
      socket.on('close', () => {
        open.delete(socket);
        for (const end of ends) end();
        client.destroy();
        upstream.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    port, url: `nats://127.0.0.1:${port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

/** Passes on what comes from one side, each message by its fate; returns what ends it. */
function relay(from: Socket, to: Socket, direction: Direction, fateOf: (frame: Frame, direction: Direction) => Fate): () => void {
  const read = openFrameReader();
  let late: Buffer | null = null;
  let timer: NodeJS.Timeout | undefined;
  const catchUp = (): void => {
    clearTimeout(timer);
    const waited = late;
    late = null;
    if (waited !== null && to.writable) to.write(waited);
  };
  const pass = ({ subject, bytes }: Frame): void => {
    if (to.writable) to.write(bytes);
    // Pings and the like overtake nobody.
    if (subject !== '') catchUp();
  };
  from.on('data', (chunk: Buffer) => {
    for (const frame of read(chunk)) {
      const fate = fateOf(frame, direction);
      if (fate === 'lost') continue;
      if (fate === 'late' && late === null) {
        late = frame.bytes;
        timer = setTimeout(catchUp, latestMs);
        continue;
      }
      pass(frame);
      if (fate === 'twice') pass(frame);
    }
  });
  return () => { clearTimeout(timer); };
}
