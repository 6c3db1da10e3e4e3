// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { openJsonLog } from '../process/index.js';

interface Events {
  'test:plain': Record<string, never>;
  'test:told': { text: string; count?: number };
}

const isProblem = (event: keyof Events): boolean => event === 'test:told';

async function newFile(t: { teardown(clean: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-log-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'new', 'folders', 'log');
}

const linesOf = async (file: string): Promise<unknown[]> => (await readFile(file, 'utf8')).trimEnd().split('\n').map((line): unknown => JSON.parse(line));

test('an event is a line of JSON with level, time, what all lines have and its own fields, there when the call returns', async (t) => {
  const file = await newFile(t);
  const log = openJsonLog<Events>({ level: 'info', file, base: { agent: 'a "quoted" one' }, isProblem });
  const before = Date.now();
  log('test:plain', {});
  log('test:told', { text: 'line\nbreak, ü and \u{1f30d}', count: 1 });
  const [plain, told, ...rest] = await linesOf(file);
  t.deepEqual(rest, []);
  t.like(plain, { level: 30, agent: 'a "quoted" one', event: 'test:plain' });
  t.like(told, { level: 40, agent: 'a "quoted" one', event: 'test:told', text: 'line\nbreak, ü and \u{1f30d}', count: 1 });
  const time = told !== null && typeof told === 'object' && 'time' in told ? Number(told.time) : NaN;
  t.true(time >= before && time <= Date.now());
});

test('a log without a base is JSON, too, and goes on where an earlier one ended', async (t) => {
  const file = await newFile(t);
  for (const text of ['one', 'two']) openJsonLog<Events>({ level: 'info', file, base: {}, isProblem })('test:told', { text });
  const lines = await linesOf(file);
  t.is(lines.length, 2);
  t.like(lines[1], { event: 'test:told', text: 'two' });
});

test('events below the level are not logged', async (t) => {
  for (const [level, logged] of [['debug', 2], ['info', 2], ['warn', 1], ['error', 0], ['silent', 0]] as const) {
    const file = await newFile(t);
    const log = openJsonLog<Events>({ level, file, base: {}, isProblem });
    log('test:plain', {});
    log('test:told', { text: '' });
    t.is((await readFile(file, 'utf8')).split('\n').length - 1, logged, level);
  }
});

test('a log that can not be opened throws; one that can not be written is no error', (t) => {
  t.throws(() => openJsonLog<Events>({ level: 'info', file: tmpdir(), base: {}, isProblem }), { code: 'EISDIR' });
  t.notThrows(() => { openJsonLog<Events>({ level: 'info', file: '/dev/full', base: {}, isProblem })('test:plain', {}); });
});

test('a reader that is slow gets every byte', async (t) => {
  const index = new URL('../process/index.js', import.meta.url).href;
  // Looking at process.stderr makes a pipe non-blocking: a write then takes what fits, or nothing.
  const program = `import { openJsonLog } from ${JSON.stringify(index)};
    process.stderr;
    const log = openJsonLog({ level: 'info', file: null, base: {}, isProblem: () => false });
    for (let i = 0; i < 4; i++) log('test:told', { text: 'x'.repeat(300_000), count: i });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'ignore', 'pipe'] });
  const parts: Buffer[] = [];
  child.stderr.on('data', (part: Buffer) => { parts.push(part); });
  await once(child, 'close');
  const lines = Buffer.concat(parts).toString().trimEnd().split('\n').map((line): unknown => JSON.parse(line));
  t.is(lines.length, 4);
  t.like(lines[3], { event: 'test:told', count: 3 });
});
