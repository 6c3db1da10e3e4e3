// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { openFrameReader } from './nats-frames.js';

const payload = 'two\r\nlines';
const messages = [
  'INFO {"server_id":"x"}\r\n', 'CONNECT {}\r\n', 'PING\r\n', 'SUB events.town.> 3\r\n',
  `PUB events.town.ends ${payload.length}\r\n${payload}\r\n`,
  `HPUB tasks.stereo.town.a _INBOX.1 12 ${12 + payload.length}\r\nNATS/1.0\r\n\r\n${payload}\r\n`,
  'MSG tasks.stereo.town.a 7 $JS.ACK.x 0\r\n\r\n',
];
const subjects = ['', '', '', '', 'events.town.ends', 'tasks.stereo.town.a', 'tasks.stereo.town.a'];

test('messages come out whole wherever the stream is cut, with their subjects', (t) => {
  const stream = Buffer.from(messages.join(''));
  fc.assert(fc.property(fc.uniqueArray(fc.integer({ min: 1, max: stream.length - 1 }), { maxLength: 12 }), (cuts) => {
    const read = openFrameReader();
    const ends = [...cuts.sort((a, b) => a - b), stream.length];
    const frames = ends.flatMap((end, i) => read(stream.subarray(ends[i - 1] ?? 0, end)));
    t.deepEqual(frames.map(({ bytes }) => bytes.toString()), messages);
    t.deepEqual(frames.map(({ subject }) => subject), subjects);
  }));
});

test('half a message waits for its other half', (t) => {
  const read = openFrameReader();
  t.deepEqual(read(Buffer.from('PUB a 5\r\nhel')), []);
  t.is(read(Buffer.from('lo\r\nPI'))[0]?.bytes.toString(), 'PUB a 5\r\nhello\r\n');
  t.is(read(Buffer.from('NG\r\n'))[0]?.verb, 'PING');
});
