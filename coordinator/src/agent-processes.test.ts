// SPDX-License-Identifier: Apache-2.0
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { agentsWhileNeeded, startAgents } from './agent-processes.js';

/** An agent without work: it writes one line, then does what the test wants. */
async function withAgent(t: ExecutionContext, body: string, run: (dir: string, program: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'altiplano-agents-'));
  try {
    const program = join(dir, 'agent.js');
    await writeFile(program, `console.error('agent', process.argv.slice(2).join(' '));\n${body}`);
    await run(dir, program);
  } finally {
    await rm(dir, { recursive: true });
  }
  t.pass();
}

const options = (dir: string, program: string, count: number) => ({ count, program, natsUrl: 'nats://nowhere', storeUrl: 'file:///nowhere', logDir: join(dir, 'logs') });
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
/** Waits for what has no event: other processes' ends. */
async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await delay(10);
}

test('agents get bus, store and name, write their own logs, and end when stopped', async (t) => withAgent(t, 'setInterval(() => {}, 1000);', async (dir, program) => {
  const agents = startAgents(options(dir, program, 2));
  await until(() => agents.pids().length === 2);
  const pids = agents.pids();
  const log = (k: number): Promise<string> => readFile(join(dir, 'logs', `agent-${k}.log`), 'utf8');
  await until(async () => (await log(2)).includes('\n'));
  t.is(await log(2), 'agent --nats nats://nowhere --store file:///nowhere --id agent-2\n');
  await agents.stop();
  t.deepEqual(pids.filter(isAlive), []);
}));

test('agents end when nothing is left to do for them, start again when there is, and all of them have ended after a stop', async (t) => withAgent(t, 'setInterval(() => {}, 1000);', async (dir, program) => {
  const starts: { pids(): number[]; stop(): Promise<void> }[] = [];
  const agents = agentsWhileNeeded(() => {
    starts.push(startAgents(options(dir, program, 1)));
    return starts.at(-1) as (typeof starts)[number];
  });
  const pidOf = async (k: number): Promise<number> => {
    await until(() => starts[k]?.pids().length === 1);
    return starts[k]?.pids()[0] ?? 0;
  };
  agents.need(true);
  const first = await pidOf(0);
  agents.need(false);
  agents.need(false);
  await until(() => !isAlive(first));
  t.is(starts.length, 1);
  agents.need(true);
  const second = await pidOf(1);
  await agents.stop();
  t.deepEqual([starts.length, isAlive(second)], [2, false]);
}));

test('an agent that is stopped in the very moment it starts leaves no process behind', async (t) => withAgent(t, `require('node:fs').writeFileSync(__dirname + '/pid', String(process.pid)); setInterval(() => {}, 1000);`, async (dir, program) => {
  const agents = startAgents(options(dir, program, 1));
  await agents.stop();
  // What had been started may have written its number before it was stopped.
  const pid = await readFile(join(dir, 'pid'), 'utf8').catch(() => null);
  t.true(pid === null || !isAlive(Number(pid)));
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'args']);
  t.notRegex(stdout, new RegExp(program));
}));

test('an agent that is killed is started again', async (t) => withAgent(t, 'setInterval(() => {}, 1000);', async (dir, program) => {
  const warnings: string[] = [];
  const agents = startAgents({ ...options(dir, program, 1), onWarning: (message) => warnings.push(message) });
  await until(() => agents.pids().length === 1);
  const [first] = agents.pids();
  process.kill(first ?? 0, 'SIGKILL');
  await until(() => agents.pids().length === 1 && agents.pids()[0] !== first);
  t.regex(warnings.join(), /agent-1 died \(exit code 137\); starting it again/);
  await agents.stop();
}));

test('agents that die at every start are given up, and that is told once', async (t) => withAgent(t, 'process.exit(7);', async (dir, program) => {
  const warnings: string[] = [];
  const message = await new Promise<string>((resolve) => {
    startAgents({ ...options(dir, program, 2), restartPauseMs: 1, onWarning: (warning) => warnings.push(warning), onGone: (error) => { resolve(error.message); } });
  });
  t.regex(message, /^all 2 agents died; see /);
  t.is(warnings.filter((warning) => warning.includes('giving it up')).length, 2);
  t.true(warnings.every((warning) => warning.includes('exit code 7')));
}));

test('agents whose logs can not be written are given up, and the process that started them lives', async (t) => withAgent(t, '', async (dir, program) => {
  await mkdir(join(dir, 'logs', 'agent-1.log'), { recursive: true });
  const warnings: string[] = [];
  await new Promise((resolve) => {
    startAgents({ ...options(dir, program, 1), restartPauseMs: 1, onWarning: (warning) => warnings.push(warning), onGone: resolve });
  });
  t.regex(warnings.at(-1) ?? '', /agent-1 died 6 times \(EISDIR.*\); giving it up/);
}));

test('an agent that does not listen is killed in the end', async (t) => withAgent(t, `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.error('deaf');`, async (dir, program) => {
  const agents = startAgents(options(dir, program, 1));
  await until(async () => (await readFile(join(dir, 'logs', 'agent-1.log'), 'utf8')).includes('deaf'));
  const pids = agents.pids();
  await agents.stop(100);
  t.deepEqual(pids.filter(isAlive), []);
}));

test('agents end with the process that started them, even when it is killed', async (t) => withAgent(t, `process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000);`, async (dir, program) => {
  const starter = join(dir, 'starter.mjs');
  await writeFile(starter, `
    const { startAgents } = await import(${JSON.stringify(new URL('./agent-processes.js', import.meta.url).href)});
    const agents = startAgents(${JSON.stringify(options(dir, program, 1))});
    setInterval(() => { if (agents.pids().length === 1) console.log(agents.pids()[0]); }, 20);`);
  const parent = spawn(process.execPath, [starter], { stdio: ['ignore', 'pipe', 'inherit'], cwd: fileURLToPath(new URL('.', import.meta.url)) });
  const pid = Number(String((await once(parent.stdout, 'data'))[0]).split('\n')[0]);
  t.true(isAlive(pid));
  parent.kill('SIGKILL');
  await until(() => !isAlive(pid));
}));
