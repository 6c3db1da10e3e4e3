// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { plainEnvironment } from './environment.js';
import { markedProcesses } from './leftovers.js';
import { type Supervised, endedAtStart, supervise } from './supervise.js';

/** Says its name's variable, and ends well when it is asked to. */
const program = "process.on('SIGTERM', () => process.exit(0)); console.log(process.env.GREETING); setInterval(() => {}, 1000)";

interface Started {
  readonly one: Supervised;
  readonly env: Readonly<Record<string, string>>;
  readonly marker: string;
  /** Resolves when its log has a text. */
  readonly said: (text: string) => Promise<void>;
}

async function started(t: ExecutionContext, script: string): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-supervise-'));
  const marker = `test-${process.pid}-${t.title.length}`;
  const env = { ...plainEnvironment(marker, folder), GREETING: 'first' };
  const logFile = join(folder, 'log');
  const one = supervise({ name: 'one', command: [process.execPath, '-e', script], env, logFile });
  t.teardown(async () => {
    await one.stop(5_000);
    await rm(folder, { recursive: true, force: true });
  });
  const said = async (text: string): Promise<void> => {
    while (!(await readFile(logFile, 'utf8')).includes(text)) await delay(20);
  };
  return { one, env, marker, said };
}

test('what is killed is started again, with the variables it was given since, until it is stopped', async (t) => {
  const { one, env, marker, said } = await started(t, program);
  await said('first');
  t.deepEqual(markedProcesses(marker).map(({ pid }) => pid), [one.pid()]);
  one.setEnv({ ...env, GREETING: 'second' });
  t.true(one.signal('SIGKILL'));
  await said('second');
  t.deepEqual(one.ends, ['SIGKILL']);
  t.is(await one.stop(5_000), 'exit code 0');
  t.is(one.pid(), null);
  t.deepEqual(markedProcesses(marker), []);
});

test('who ignores being asked is killed, and who had not begun is told from who was cut short', async (t) => {
  const deaf = await started(t, "process.on('SIGTERM', () => {}); console.log('deaf'); setInterval(() => {}, 1000)");
  await deaf.said('deaf');
  t.is(await deaf.one.stop(300), 'SIGKILL');
  const silent = await started(t, 'setInterval(() => {}, 1000)');
  while (silent.one.pid() === null) await delay(5);
  t.is(await silent.one.stop(5_000), endedAtStart);
});
