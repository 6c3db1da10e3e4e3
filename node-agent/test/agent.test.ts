// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { connect } from '@nats-io/transport-node';
import test, { type ExecutionContext } from 'ava';
import { type IngestTask, type TaskEvent, type TaskOutcome, type TaskRound, encodeMessage, taskHash, taskSubject, tasksStream } from '@altiplano/protocol';
import { type NatsServer, type ObjectStore, type TaskQueue, openNatsQueue, openStore, readAttempts, readOutcome, startNatsServer } from '@altiplano/protocol/io';
import { permissionsConfig, roleAuth } from '@altiplano/protocol/testing';
import type { AgentConfig } from '../src/config.js';
import { type AgentEvents, type Log } from '../src/log.js';
import { runAgent } from '../src/run-agent.js';

const ackWaitMs = 2_000;
const runnersUrl = new URL('./test-runners.js', import.meta.url).href;

interface World {
  readonly server: NatsServer;
  readonly queue: TaskQueue;
  readonly store: ObjectStore;
  /** Everything told so far. */
  readonly events: TaskEvent[];
  /** Fires with each event. */
  readonly telling: EventEmitter;
}

/** A server, a queue and a store of this test's own. The server lets agents do no more than their permission set says. */
async function makeWorld(t: ExecutionContext, waitMs = ackWaitMs): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-agent-test-'));
  const server = await startNatsServer({ storeDir: join(folder, 'nats'), config: await permissionsConfig() });
  const queue = await openNatsQueue({ servers: server.url, ackWaitMs: waitMs });
  await queue.ensure();
  const store = await openStore(join(folder, 'store'));
  const events: TaskEvent[] = [];
  const telling = new EventEmitter().setMaxListeners(0);
  void (async () => {
    for await (const event of queue.events('scene', new AbortController().signal)) {
      events.push(event);
      telling.emit('event');
    }
  })();
  t.teardown(async () => {
    await queue.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return { server, queue, store, events, telling };
}

const configOf = (world: World, id: string): AgentConfig => ({
  bus: { servers: world.server.url, auth: roleAuth('agent') }, warnings: [], store: world.store.url,
  id, slots: 1, kinds: ['ingest', 'stereo'], logLevel: 'silent', logFile: null, metricsPort: null, taskTimeout: 600, ackWait: ackWaitMs / 1000, grace: 25,
});

interface TestAgent {
  readonly running: ReturnType<typeof runAgent>;
  readonly logged: { readonly event: keyof AgentEvents }[];
  /** Resolves when the agent has logged `event`. */
  until(event: keyof AgentEvents): Promise<void>;
  drain(): Promise<unknown>;
  stop(): Promise<unknown>;
}

/** An agent in this process, its tasks in worker threads; drained when the test ends. */
function startAgent(t: ExecutionContext, world: World, id = 'agent-1', config: Partial<AgentConfig> = {}): TestAgent {
  const drain = new AbortController();
  const stop = new AbortController();
  const logged: { event: keyof AgentEvents }[] = [];
  const logging = new EventEmitter();
  const log: Log = (event, fields) => {
    logged.push({ event, ...fields });
    logging.emit(event);
  };
  const running = runAgent({ ...configOf(world, id), ...config }, { log, version: 'test', drain: drain.signal, stop: stop.signal, runnersUrl });
  const agent: TestAgent = {
    logged, running,
    async until(event) {
      if (!logged.some((line) => line.event === event)) await once(logging, event);
    },
    drain() {
      drain.abort();
      return running;
    },
    stop() {
      stop.abort();
      return running;
    },
  };
  t.teardown(() => agent.stop());
  return agent;
}

/** Runs the agent of `agent-program.ts` in a process of its own; resolves when it has started. */
async function spawnAgent(t: ExecutionContext, world: World, id: string): Promise<ChildProcess> {
  const program = fileURLToPath(new URL('./agent-program.js', import.meta.url));
  const child = spawn(process.execPath, [program, JSON.stringify(configOf(world, id))], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => { child.kill('SIGKILL'); });
  for await (const line of createInterface(child.stdout)) if (line === 'agent:started') return child;
  throw new Error('the agent program ended');
}

const taskOf = (taskId: string, source: string): IngestTask =>
  ({ v: 1, kind: 'ingest', sceneId: 'scene', taskId, round: 0, source, band: 1, mask: null, outKey: `scenes/scene/${taskId}.tif` });

const roundOf = (task: IngestTask): TaskRound => ({ taskId: task.taskId, taskHash: taskHash(task), round: task.round });

/** The events from the first on to one that satisfies `isLast`. */
async function eventsUntil({ events, telling }: World, isLast: (event: TaskEvent) => boolean): Promise<readonly TaskEvent[]> {
  for (let i = 0; ; i++) {
    while (events.length <= i) await once(telling, 'event');
    const event = events[i];
    if (event !== undefined && isLast(event)) return events.slice(0, i + 1);
  }
}

async function outcomeOfTask(world: World, taskId: string): Promise<TaskOutcome> {
  const events = await eventsUntil(world, (event) => event.type === 'ended' && event.taskId === taskId);
  const last = events.at(-1);
  if (last?.type !== 'ended') throw new Error('no end');
  return last.outcome;
}

/** What was told of a task; that it started is told of slow ones only, as all are on a busy machine. */
const typesOf = (events: readonly TaskEvent[], taskId: string): string[] =>
  events.filter((event) => event.taskId === taskId && event.type !== 'started').map((event) => event.type);
const started = (taskId: string) => (event: TaskEvent): boolean => event.type === 'started' && event.taskId === taskId;
const ended = (taskId: string) => (event: TaskEvent): boolean => event.type === 'ended' && event.taskId === taskId;

async function queueIsEmpty(world: World): Promise<boolean> {
  return await world.queue.pullTask(['ingest'], 2 * ackWaitMs, new AbortController().signal) === null;
}

/** Resolves when no task is queued or in hand. */
async function untilAcked({ server }: World): Promise<void> {
  const nc = await connect({ servers: server.url });
  const queued = async (): Promise<number> =>
    (await nc.request(`$JS.API.STREAM.INFO.${tasksStream('ingest')}`)).json<{ state: { messages: number } }>().state.messages;
  while (await queued() > 0);
  await nc.close();
}

test('a task that is done is in the ledger with its costs, told, and off the queue', async (t) => {
  const world = await makeWorld(t);
  const agent = startAgent(t, world);
  const task = taskOf('t1', 'done');
  await world.queue.publishTasks([task]);
  const events = await eventsUntil(world, ended('t1'));
  t.deepEqual(typesOf(events, 't1'), ['ended']);
  const entry = await readOutcome(world.store, 'scene', roundOf(task));
  t.like(entry, { state: 'done', taskHash: taskHash(task), outKey: task.outKey, attempts: 1, agent: 'agent-1', stages: { read: 0.5 }, metrics: { validCells: 7 } });
  t.true(entry !== null && entry.wallSeconds > 0 && entry.cpuSeconds > 0);
  t.deepEqual(await outcomeOfTask(world, 't1'), entry);
  await agent.drain();
  t.true(await queueIsEmpty(world));
});

test('an empty task keeps its reason; a task that ended is not run again when it comes again', async (t) => {
  const world = await makeWorld(t);
  const agent = startAgent(t, world);
  await world.queue.publishTasks([taskOf('t1', 'empty')]);
  t.like(await outcomeOfTask(world, 't1'), { state: 'empty', reason: 'no-overlap' });
  await untilAcked(world); // while it is in hand, it would not be queued again
  await world.queue.publishTasks([taskOf('t1', 'empty'), taskOf('t2', 'empty')]);
  const events = await eventsUntil(world, ended('t2'));
  t.deepEqual(typesOf(events, 't1'), ['ended', 'ended']);
  await agent.until('task:known');
});

test('a permanent error ends a task as dead at once, with its message in ledger, event and dead letter', async (t) => {
  const world = await makeWorld(t);
  const agent = startAgent(t, world);
  const task = taskOf('t1', 'bad-input');
  await world.queue.publishTasks([task]);
  const outcome = await outcomeOfTask(world, 't1');
  t.like(outcome, { state: 'dead', attempts: 1, error: { code: 'bad-input', message: 'image x.tif: no RPC' } });
  await agent.drain();
  t.deepEqual(await readOutcome(world.store, 'scene', roundOf(task)), outcome);
  const [letter, ...others] = await world.queue.deadLetters('scene');
  t.is(others.length, 0);
  t.like(letter, { taskId: 't1', error: { code: 'bad-input', message: 'image x.tif: no RPC' }, attempts: 1, agent: 'agent-1' });
  t.deepEqual(Buffer.from(letter?.task ?? []), Buffer.from(encodeMessage(task)));
  t.true(await queueIsEmpty(world));
});

test('an error that is not ours is tried again a few times, then dead', async (t) => {
  const world = await makeWorld(t);
  startAgent(t, world);
  await world.queue.publishTasks([taskOf('t1', 'bug')]);
  const events = await eventsUntil(world, ended('t1'));
  t.deepEqual(typesOf(events, 't1'), ['retrying', 'retrying', 'ended']);
  t.like(await readOutcome(world.store, 'scene', roundOf(taskOf('t1', 'bug'))), { state: 'dead', attempts: 3, error: { code: 'unknown', message: 'undefined is not a function' } });
});

test('a transient error is tried again later and may end well', async (t) => {
  const world = await makeWorld(t);
  startAgent(t, world);
  await world.queue.publishTasks([taskOf('t1', 'away-once')]);
  t.like(await outcomeOfTask(world, 't1'), { state: 'empty', reason: 'was-away', attempts: 2 });
});

test('a worker thread that exits costs its task an attempt, not the agent', async (t) => {
  const world = await makeWorld(t);
  startAgent(t, world);
  await world.queue.publishTasks([taskOf('t1', 'exit'), taskOf('t2', 'done')]);
  t.like(await outcomeOfTask(world, 't1'), { state: 'dead', attempts: 3 });
  t.like(await outcomeOfTask(world, 't2'), { state: 'done' });
});

test('a dead task that is replayed is run again', async (t) => {
  const world = await makeWorld(t);
  startAgent(t, world);
  const task = taskOf('t1', 'bug');
  await world.queue.publishTasks([task]);
  t.is((await outcomeOfTask(world, 't1')).state, 'dead');
  await untilAcked(world);
  await world.queue.publishTasks([{ ...task, round: 2 }]);
  let ends = 0;
  const events = await eventsUntil(world, (event) => event.type === 'ended' && ++ends === 2);
  t.is(typesOf(events, 't1').filter((type) => type === 'retrying').length, 4);
});

test('a malformed message ends in DEAD with the reason, and the agent lives', async (t) => {
  const world = await makeWorld(t);
  const agent = startAgent(t, world);
  const nc = await connect({ servers: world.server.url });
  t.teardown(() => nc.close());
  nc.publish(taskSubject('ingest', 'scene', 'garbage'), Uint8Array.of(1, 2, 3));
  nc.publish(taskSubject('ingest', 'scene', 'future'), encodeMessage({ ...taskOf('future', 'done'), v: 2 as 1 }));
  nc.publish('tasks.ingest.scene.not.a.task', '');
  await nc.flush();
  await world.queue.publishTasks([taskOf('t1', 'done')]);
  t.is((await outcomeOfTask(world, 't1')).state, 'done');
  await agent.drain();
  const letters = await world.queue.deadLetters('scene');
  t.deepEqual(letters.map(({ taskId, error }) => [taskId, error.code]), [['garbage', 'malformed-message'], ['future', 'malformed-message']]);
  t.regex(letters[1]?.error.message ?? '', /protocol version 2/);
  t.is((await world.queue.deadLetters('unreadable')).length, 1);
  t.true(await queueIsEmpty(world));
});

test('a task keeps its lease while its thread is blocked for longer than the ack wait', async (t) => {
  const world = await makeWorld(t);
  startAgent(t, world);
  await world.queue.publishTasks([taskOf('slow', 'block')]);
  await eventsUntil(world, started('slow'));
  // A task of another kind that nobody answers shows when two ack waits have passed.
  const nc = await connect({ servers: world.server.url });
  t.teardown(() => nc.close());
  nc.publish(taskSubject('align', 'scene', 'canary'), 'x');
  for (let attempt = 0; attempt < 3;) {
    const delivery = await world.queue.pullTask(['align'], 10_000, new AbortController().signal);
    attempt = delivery?.attempt ?? attempt;
  }
  await world.store.put('release', Buffer.from(''));
  const events = await eventsUntil(world, ended('slow'));
  t.deepEqual(typesOf(events, 'slow'), ['ended']);
  t.is((await outcomeOfTask(world, 'slow')).attempts, 1);
});

test('a drained agent finishes what it has and pulls no more', async (t) => {
  const world = await makeWorld(t);
  const agent = startAgent(t, world);
  await world.queue.publishTasks([taskOf('t1', 'wait'), taskOf('t2', 'done')]);
  await eventsUntil(world, started('t1'));
  const drained = agent.drain();
  await world.store.put('release', Buffer.from(''));
  await drained;
  t.is((await outcomeOfTask(world, 't1')).state, 'done');
  t.is(await readOutcome(world.store, 'scene', roundOf(taskOf('t2', 'done'))), null);
  t.is((await world.queue.depth()).ingest, 1);
  t.like(agent.logged.at(-1), { event: 'agent:drained', settled: 1, handedBack: 0 });
});

test('a stopped agent hands its task back at once, though its thread is blocked', async (t) => {
  const world = await makeWorld(t);
  const agent = startAgent(t, world);
  await world.queue.publishTasks([taskOf('t1', 'block')]);
  await eventsUntil(world, started('t1'));
  const stopped = agent.stop();
  const delivery = await world.queue.pullTask(['ingest'], 10_000, new AbortController().signal);
  t.true((delivery?.attempt ?? 0) >= 2);
  await world.store.put('release', Buffer.from(''));
  await stopped;
  t.like(agent.logged.at(-1), { event: 'agent:drained', settled: 0, handedBack: 1 });
});

test('the task of an agent killed by kill -9 is done by another', async (t) => {
  const world = await makeWorld(t);
  const victim = await spawnAgent(t, world, 'victim');
  await world.queue.publishTasks([taskOf('t1', 'block')]);
  await eventsUntil(world, started('t1'));
  victim.kill('SIGKILL');
  await once(victim, 'exit');
  await world.store.put('release', Buffer.from(''));
  startAgent(t, world, 'heir');
  t.like(await outcomeOfTask(world, 't1'), { state: 'done', attempts: 2, agent: 'heir' });
});

test('a task whose agents vanish ten times ends dead without another run', async (t) => {
  const world = await makeWorld(t);
  await world.queue.publishTasks([taskOf('t1', 'done')]);
  // On a busy machine one may come when its pull was given up, and is a delivery, too.
  for (let attempt = 0; attempt < 10;) {
    const delivery = await world.queue.pullTask(['ingest'], 10_000, new AbortController().signal);
    await delivery?.retry(0);
    attempt = delivery?.attempt ?? attempt;
  }
  startAgent(t, world);
  t.like(await outcomeOfTask(world, 't1'), { state: 'dead', attempts: 10, error: { code: 'agent-lost', class: 'vanished' } });
});

test('a task whose agent vanished runs in a process of its own', async (t) => {
  const world = await makeWorld(t);
  await world.queue.publishTasks([taskOf('t1', 'pid')]);
  await (await world.queue.pullTask(['ingest'], 10_000, new AbortController().signal))?.retry(0);
  const agent = startAgent(t, world);
  const outcome = await outcomeOfTask(world, 't1');
  t.like(outcome, { state: 'done', attempts: 2 });
  t.not(outcome.metrics['pid'], process.pid);
  t.true(agent.logged.some((line) => 'isolated' in line));
  t.like(await readAttempts(world.store, 'scene', roundOf(taskOf('t1', 'pid'))), [{ class: 'vanished', agent: 'agent-1' }]);
});

test('a task that crashes its own process ends dead, with signal and stage, and nobody else is hurt', async (t) => {
  const world = await makeWorld(t);
  await world.queue.publishTasks([taskOf('t1', 'segfault'), taskOf('t2', 'done')]);
  await (await world.queue.pullTask(['ingest'], 10_000, new AbortController().signal))?.retry(0); // as if it had taken an agent with it
  startAgent(t, world);
  t.like(await outcomeOfTask(world, 't1'), { state: 'dead', attempts: 2, error: { code: 'crashed', class: 'crash', signal: 'SIGSEGV', stage: 'match' } });
  t.is((await outcomeOfTask(world, 't2')).state, 'done');
});

test('a hung task is handed on with its agent ended, and dead where it hangs in a process of its own', async (t) => {
  const world = await makeWorld(t);
  const victim = startAgent(t, world, 'victim', { taskTimeout: 1 });
  await world.queue.publishTasks([taskOf('t1', 'block')]);
  t.true((await victim.running).isHung);
  t.true(victim.logged.some(({ event }) => event === 'agent:hung'));
  startAgent(t, world, 'heir', { taskTimeout: 15 }); // starting the process counts, too
  t.like(await outcomeOfTask(world, 't1'), { state: 'dead', attempts: 2, agent: 'heir', error: { code: 'timeout', class: 'timeout', stage: 'blocked' } });
  t.like(await readAttempts(world.store, 'scene', roundOf(taskOf('t1', 'block'))), [{ class: 'timeout', isolated: false, agent: 'victim', stage: 'blocked' }]);
  await world.store.put('release', Buffer.from('')); // for the victim's thread
});

test('a drained agent that is out of time hands its task to another at once, and it counts for nothing', async (t) => {
  t.timeout(240_000);
  const ackWait = 600;
  const world = await makeWorld(t, ackWait * 1000);
  const agent = startAgent(t, world, 'drained', { grace: 0, ackWait });
  await world.queue.publishTasks([taskOf('t1', 'block')]);
  await eventsUntil(world, started('t1'));
  const drained = agent.drain();
  startAgent(t, world, 'heir', { ackWait });
  const again = eventsUntil(world, (event) => event.type === 'started' && event.agent === 'heir');
  t.like((await again).at(-1), { attempt: 1 });
  await world.store.put('release', Buffer.from(''));
  t.like(await outcomeOfTask(world, 't1'), { state: 'done', attempts: 1, agent: 'heir' });
  t.like(await readAttempts(world.store, 'scene', roundOf(taskOf('t1', 'block'))), [{ class: 'drain', agent: 'drained' }]);
  await drained;
  t.like(agent.logged.at(-1), { event: 'agent:drained', settled: 0, handedBack: 1 });
});

test('agents are present by id, with the tasks in their hands', async (t) => {
  const world = await makeWorld(t);
  startAgent(t, world, 'present');
  await world.queue.publishTasks([taskOf('t1', 'done')]);
  await outcomeOfTask(world, 't1');
  const agents = await world.queue.agents();
  t.like(agents.get('present'), { pid: process.pid, slots: 1, kinds: ['ingest', 'stereo'], state: 'working', version: 'test' });
  t.regex(agents.get('present')?.log ?? '', /standard error|:\//);
});
