// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { openNatsQueue, startNatsServer } from '@altiplano/protocol/io';

const program = fileURLToPath(new URL('../../bin/altiplano-agent.js', import.meta.url));

/** Runs the program to its end. */
async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<{ code: number | null; out: string; err: string }> {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NATS|ALTIPLANO)_/.test(name)));
  const child = spawn(process.execPath, [program, ...args], { env: { ...inherited, ...env } });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => { out += String(data); });
  child.stderr.on('data', (data) => { err += String(data); });
  return new Promise((resolve) => { child.on('close', (code) => { resolve({ code, out, err }); }); });
}

test('--help documents every variable and exits 0', async (t) => {
  const { code, out } = await run(['--help']);
  t.is(code, 0);
  for (const name of ['NATS_URL', 'ALTIPLANO_STORE', 'ALTIPLANO_AGENT_ID', 'ALTIPLANO_SLOTS', 'ALTIPLANO_KINDS', 'ALTIPLANO_LOG_LEVEL', 'ALTIPLANO_LOG_FILE',
    'ALTIPLANO_METRICS_PORT', 'ALTIPLANO_CONFIG', 'NATS_TOKEN', 'NATS_TOKEN_FILE', 'NATS_USER', 'NATS_PASSWORD', 'NATS_PASSWORD_FILE',
    'NATS_NKEY', 'NATS_CREDS', 'NATS_CA', 'NATS_CERT', 'NATS_KEY', 'NATS_INBOX_PREFIX', 'AWS_PROFILE', 'AWS_ENDPOINT_URL', 'ALTIPLANO_S3_PATH_STYLE']) t.true(out.includes(name), name);
});

test('bad usage, by flag or variable, exits 2 and says what is wrong', async (t) => {
  for (const [args, env, expected] of [
    [[], {}, /--store/],
    [['--store', 'x', '--slots', '0'], {}, /--slots.*whole number/],
    [['--store', 'x', 'extra'], {}, /too many arguments/],
    [[], { ALTIPLANO_STORE: 'x', ALTIPLANO_KINDS: 'stereo,ortho' }, /ALTIPLANO_KINDS.*ingest,align,coarse,stereo/],
    [[], { ALTIPLANO_STORE: 'x', ALTIPLANO_KINDS: 'stereo,stereo' }, /ALTIPLANO_KINDS/],
    [[], { ALTIPLANO_STORE: 'x', ALTIPLANO_METRICS_PORT: 'http' }, /ALTIPLANO_METRICS_PORT/],
    [['--store', 'gopher://bucket/x'], {}, /gopher:.*s3:\/\/bucket\/prefix/],
  ] as const) {
    const { code, err } = await run(args, env);
    t.is(code, 2, err);
    t.regex(err, expected);
  }
});

test('a bus that refuses its credentials ends the program at once, with exit code 2 and the reason', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-main-test-'));
  const server = await startNatsServer({ storeDir: join(folder, 'nats'), config: 'authorization { user: agent, password: right }' });
  t.teardown(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const env = { NATS_URL: server.url, NATS_USER: 'agent', ALTIPLANO_STORE: join(folder, 'store') };
  const { code, err } = await run([], { ...env, NATS_PASSWORD: 'wrong' });
  t.is(code, 2);
  t.regex(err, /agent:failed.*check the credentials/);
  const contradiction = await run([], { ...env, NATS_PASSWORD: 'right', NATS_TOKEN: 'x' });
  t.is(contradiction.code, 2);
  t.regex(contradiction.err, /NATS_USER, NATS_TOKEN; give one/);
});

test('SIGTERM while it waits for the bus is no failure either: it exits 0', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-main-test-'));
  // A port where somebody listens and no bus answers.
  const silent = createServer((socket) => { socket.destroy(); }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const address = silent.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const logFile = join(folder, 'agent.log');
  const child = spawn(process.execPath, [program, '--nats', `nats://127.0.0.1:${port}`, '--store', join(folder, 'store'), '--log-file', logFile], { stdio: 'ignore' });
  t.teardown(async () => {
    child.kill('SIGKILL');
    silent.close();
    await rm(folder, { recursive: true, force: true });
  });
  const exit = once(child, 'exit');
  for (let tries = 0; tries < 2; tries += 1) await once(silent, 'connection');
  child.kill('SIGTERM');
  t.deepEqual(await exit, [0, null]);
  t.notRegex(await readFile(logFile, 'utf8'), /agent:failed/);
});

test('the program runs a task and, on SIGTERM, drains and exits 0', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-main-test-'));
  const server = await startNatsServer({ storeDir: join(folder, 'nats') });
  const queue = await openNatsQueue({ servers: server.url });
  const logFile = join(folder, 'logs', 'agent.log');
  const env = { NATS_URL: server.url, ALTIPLANO_STORE: join(folder, 'store'), ALTIPLANO_AGENT_ID: 'drained', ALTIPLANO_LOG_FILE: logFile };
  const child = spawn(process.execPath, [program], { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] });
  t.teardown(async () => {
    child.kill('SIGKILL');
    await queue.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  await queue.ensure();
  const events = queue.events('scene', new AbortController().signal)[Symbol.asyncIterator]();
  const heard = events.next();
  await queue.publishTasks([{ v: 1, kind: 'ingest', sceneId: 'scene', taskId: 't1', round: 0, source: '/nowhere/x.tif', band: 1, mask: null, outKey: 'o.tif' }]);
  for (let { value: event } = await heard; event !== undefined; { value: event } = await events.next()) {
    if (event.type !== 'ended') continue;
    t.like(event.outcome, { state: 'dead', attempts: 1, agent: 'drained' });
    t.regex(event.outcome.error?.message ?? '', /\/nowhere\/x\.tif/);
    break;
  }
  child.kill('SIGTERM');
  t.deepEqual(await once(child, 'exit'), [0, null]);
  const lines = (await readFile(logFile, 'utf8')).trimEnd().split('\n').map((line): unknown => JSON.parse(line));
  const draining = lines.findIndex((line) => typeof line === 'object' && line !== null && 'event' in line && line.event === 'agent:draining');
  t.true(draining > 0);
  t.like(lines.at(-1), { event: 'agent:drained', agent: 'drained', settled: 1, handedBack: 0 });
});
