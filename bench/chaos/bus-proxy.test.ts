// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { startBroker } from './broker.js';
import { type Fate, openBusProxy } from './bus-proxy.js';
import { openFrameReader } from './nats-frames.js';

test('messages come twice, late or not at all, as is said for each', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-bus-proxy-'));
  const broker = await startBroker(folder);
  t.teardown(async () => {
    await broker.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const fates: Readonly<Record<string, Fate>> = { two: 'twice', three: 'late', five: 'lost', seven: 'late' };
  const wordIn = (bytes: Buffer): string => bytes.toString().split('\r\n')[1] ?? '';
  const proxy = await openBusProxy(broker.port, ({ bytes }, direction) => (direction === 'to-client' ? fates[wordIn(bytes)] ?? 'pass' : 'pass'));
  t.teardown(() => proxy.close());

  const client = connect(proxy.port, '127.0.0.1');
  t.teardown(() => client.destroy());
  const words = ['one', 'two', 'three', 'four', 'five', 'six', 'seven'];
  client.write(`CONNECT {}\r\nSUB words 1\r\n${words.map((word) => `PUB words ${word.length}\r\n${word}\r\n`).join('')}`);
  const heard: string[] = [];
  for (const read = openFrameReader(); heard.length < 7;) {
    const [chunk]: Buffer[] = await once(client, 'data');
    if (chunk !== undefined) heard.push(...read(chunk).filter(({ verb }) => verb === 'MSG').map(({ bytes }) => wordIn(bytes)));
  }
  // The last one had nothing to follow.
  t.deepEqual(heard, ['one', 'two', 'two', 'four', 'three', 'six', 'seven']);
});
