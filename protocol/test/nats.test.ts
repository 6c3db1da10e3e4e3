// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import test, { type ExecutionContext } from 'ava';
import { AltiplanoError, InputError, type TaskEvent, ServiceUnavailableError, parseTask, taskKinds, tasksStream } from '../src/index.js';
import { type NatsServer, type TaskDelivery, type TaskQueue, openNatsQueue, startNatsServer } from '../io/index.js';
import { ingestTask, testTaskQueue } from './task-queue-conformance.js';

const never = new AbortController().signal;
const ackWaitMs = 2_000;

async function newFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-nats-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

async function newServer(t: ExecutionContext, storeDir: string, port?: number): Promise<NatsServer> {
  const server = await startNatsServer({ storeDir, ...(port !== undefined && { port }) });
  t.teardown(() => server.stop());
  return server;
}

async function newQueue(t: ExecutionContext, url: string): Promise<TaskQueue> {
  const queue = await openNatsQueue({ servers: url, ackWaitMs });
  t.teardown(() => queue.close());
  await queue.ensure();
  return queue;
}

/** Resolves when no stream of tasks holds a message any more. */
async function isEmpty(url: string): Promise<void> {
  const nc = await connect({ servers: url });
  const manager = await jetstreamManager(nc);
  for (const kind of taskKinds) while ((await manager.streams.info(tasksStream(kind))).state.messages > 0);
  await nc.close();
}

const portOf = (server: NatsServer): number => Number(new URL(server.url).port);
const retryingEvent = (taskId: string): TaskEvent =>
  ({ v: 1, type: 'retrying', sceneId: 'scene', taskId, kind: 'ingest', agent: 'a', at: '2026-01-01T00:00:00.000Z', attempt: 1, error: 'away' });

testTaskQueue(test, 'nats', async (t) => {
  const server = await newServer(t, await newFolder(t));
  return { queue: await newQueue(t, server.url), ackWaitMs, elapse: async () => undefined, now: () => performance.now(), isEmpty: () => isEmpty(server.url) };
});

test('nats queue: programs that start together make the streams together', async (t) => {
  const server = await newServer(t, await newFolder(t));
  const queues = await Promise.all(Array.from({ length: 6 }, () => newQueue(t, server.url)));
  await Promise.all(queues.map((queue) => queue.publishTasks([ingestTask('a')])));
  t.is((await queues[0]?.depth())?.ingest, 1);
});

test('nats queue: an ack and the next pull of its kind go as one message, and as two where the kind is another', async (t) => {
  const server = await newServer(t, await newFolder(t));
  const queue = await newQueue(t, server.url);
  const nc = await connect({ servers: server.url });
  t.teardown(() => nc.close());
  const acks: string[] = [];
  nc.subscribe('$JS.ACK.>', { callback: (_error, message) => { acks.push(message.string()); } });
  await nc.flush();
  await queue.publishTasks(['a', 'b', 'c'].map((taskId) => ingestTask(taskId)));
  let delivery = await queue.pullTask(['ingest'], 5_000, never);
  const subjects = [delivery?.subject];
  for (const kind of ['ingest', 'ingest', 'ingest', 'align'] as const) {
    [, delivery] = await Promise.all([delivery?.ack(), queue.pullTask([kind], 0, never)]);
    subjects.push(delivery?.subject);
  }
  t.deepEqual(subjects, ['tasks.ingest.scene.a', 'tasks.ingest.scene.b', 'tasks.ingest.scene.c', undefined, undefined]);
  await queue.publishTasks([ingestTask('d')]);
  const last = await queue.pullTask(['ingest'], 5_000, never);
  await Promise.all([last?.ack(), queue.pullTask(['align'], 0, never)]);
  await isEmpty(server.url);
  await nc.flush();
  const andNext = '+NXT {"batch":1,"no_wait":true}';
  t.deepEqual(acks, [andNext, andNext, andNext, '+ACK']);
});

test('nats queue: a pull that the server forgets, as when another agent gets the last task at the same moment, is followed by one that waits', async (t) => {
  const server = await newServer(t, await newFolder(t));
  // Plays the consumers of a stream that isn't there.
  const nc = await connect({ servers: server.url });
  t.teardown(() => nc.close());
  const pulls: string[] = [];
  nc.subscribe('$JS.API.CONSUMER.MSG.NEXT.*.*', { callback: (_error, message) => {
    pulls.push(message.string());
    if (!message.string().includes('no_wait')) message.respond('a task');
  } });
  await nc.flush();
  const queue = await openNatsQueue({ servers: server.url, role: 'agent' });
  t.teardown(() => queue.close());
  t.not(await queue.pullTask(['ingest'], 5_000, never), null);
  t.deepEqual(pulls, ['{"batch":1,"no_wait":true}', '{"batch":1,"expires":5000000000}']);
  t.is(await queue.pullTask(['ingest', 'align'], 0, never), null);
  t.is(pulls.length, 3);
});

test('nats queue: an answer that came while the program was busy elsewhere is no silence', async (t) => {
  const server = await newServer(t, await newFolder(t));
  const queue = await newQueue(t, server.url);
  await queue.publishTasks([ingestTask('a')]);
  const pulled = queue.pullTask(['ingest'], 5_000, never);
  await new Promise((resolve) => { setImmediate(resolve); }); // it is sent, and nothing came yet
  const busyUntil = performance.now() + 400;
  while (performance.now() < busyUntil);
  const delivery = await pulled;
  t.is(delivery?.attempt, 1);
  await delivery?.ack();
});

test('nats queue: a task that comes when nobody waits for it is told, and then handed back', async (t) => {
  const server = await newServer(t, await newFolder(t));
  // Plays the consumer of a stream that isn't there, and answers each pull twice; acks to subjects of its own, as the server keeps $JS.ACK to itself.
  const nc = await connect({ servers: server.url });
  t.teardown(() => nc.close());
  const told: string[] = [];
  const handedBack = new Promise<void>((resolve) => {
    nc.subscribe('test.ack.>', { callback: (_error, message) => {
      told.push(`${message.string()} ${message.subject.split('.')[4]}`);
      resolve();
    } });
  });
  nc.subscribe('$JS.API.CONSUMER.MSG.NEXT.*.*', { callback: (_error, message) => {
    for (const delivered of [1, 2]) nc.publish(message.reply ?? '', 'a task', { reply: `test.ack.TASKS-ingest.agents-ingest.${delivered}` });
  } });
  await nc.flush();
  const queue = await openNatsQueue({ servers: server.url, role: 'agent', onUnwanted: async ({ attempt }) => { told.push(`unwanted ${attempt}`); } });
  t.teardown(() => queue.close());
  t.is((await queue.pullTask(['ingest'], 0, never))?.attempt, 1);
  await handedBack;
  t.deepEqual(told, ['unwanted 2', '-NAK 2']);
});

test('nats queue: a batch of tasks is answered twice, however many it has', async (t) => {
  const server = await newServer(t, await newFolder(t));
  const queue = await newQueue(t, server.url);
  const nc = await connect({ servers: server.url });
  t.teardown(() => nc.close());
  let [messages, asked] = [0, 0];
  nc.subscribe('tasks.>', { callback: (_error, message) => {
    messages += 1;
    if (message.reply) asked += 1;
  } });
  await nc.flush();
  const tasks = Array.from({ length: 600 }, (_, i) => ingestTask(`t${i}`));
  await queue.publishTasks(tasks);
  await nc.flush();
  t.deepEqual([messages, asked], [600, 6]);
  t.is((await queue.depth()).ingest, 600);
});

test('nats queue: of a batch the bus has in part, in other versions or twice, every task is queued once, as it is now', async (t) => {
  const server = await newServer(t, await newFolder(t));
  const queue = await newQueue(t, server.url);
  await queue.publishTasks([ingestTask('b', '/old.tif'), ingestTask('d')]);
  const batch = ['a', 'b', 'c', 'd', 'c', 'e'].map((taskId) => ingestTask(taskId));
  await Promise.all([queue.publishTasks(batch), queue.publishTasks(batch)]);
  t.is((await queue.depth()).ingest, 5);
  const found = new Map<string, string>();
  for (let delivery = await queue.pullTask(['ingest'], 5_000, never); delivery !== null; delivery = await queue.pullTask(['ingest'], 0, never)) {
    const task = parseTask(delivery.bytes);
    if (task.kind === 'ingest') found.set(task.taskId, task.source);
    await delivery.ack();
  }
  t.deepEqual(Object.fromEntries(found), { a: '/x.tif', b: '/x.tif', c: '/x.tif', d: '/x.tif', e: '/x.tif' });
});

test('nats queue: a task in the midst of a batch that the bus does not keep is not taken for kept', async (t) => {
  const server = await newServer(t, await newFolder(t));
  const queue = await newQueue(t, server.url);
  const nc = await connect({ servers: server.url });
  t.teardown(() => nc.close());
  await (await jetstreamManager(nc)).streams.update(tasksStream('ingest'), { max_msg_size: 1_000 });
  const batch = [ingestTask('a'), ingestTask('b', `/${'x'.repeat(2_000)}.tif`), ingestTask('c')];
  await t.throwsAsync(queue.publishTasks(batch), { instanceOf: ServiceUnavailableError, message: /refuses tasks\.ingest\.scene\.b/ });
  t.is((await queue.depth()).ingest, 2);
});

test('nats queue: on a bus that no coordinator has furnished nobody is there and nothing waits', async (t) => {
  const server = await newServer(t, await newFolder(t));
  const viewer = await openNatsQueue({ servers: server.url, role: 'viewer' });
  t.teardown(() => viewer.close());
  t.is((await viewer.agents()).size, 0);
  t.deepEqual(await viewer.depth(), { ingest: 0, align: 0, coarse: 0, stereo: 0 });
});

test('nats queue: a server killed and started again has every task, and clients go on, with tasks and events', async (t) => {
  const folder = await newFolder(t);
  const server = await newServer(t, folder);
  const queue = await newQueue(t, server.url);
  const events = queue.events('scene', never)[Symbol.asyncIterator]();
  await queue.publishTasks([ingestTask('before')]);
  await queue.publishEvent(retryingEvent('before'));
  t.is((await events.next()).value?.taskId, 'before');
  process.kill(server.pid, 'SIGKILL');
  await server.ended;
  const during = queue.publishTasks([ingestTask('during')]);
  await queue.publishEvent(retryingEvent('during')); // nobody hears it, or somebody later
  const pull = queue.pullTask(['ingest'], 30_000, never);
  await newServer(t, folder, portOf(server));
  await during;
  const first = await pull ?? await queue.pullTask(['ingest'], 10_000, never);
  t.is(first?.subject, 'tasks.ingest.scene.before');
  await first?.ack();
  const second = await queue.pullTask(['ingest'], 10_000, never);
  t.is(second?.subject, 'tasks.ingest.scene.during');
  await queue.publishEvent(retryingEvent('after'));
  const heard = (await events.next()).value?.taskId;
  t.is(heard === 'during' ? (await events.next()).value?.taskId : heard, 'after');
  await events.return?.();
});

test('nats queue: after the loss of the bus with all its state a publish makes the streams anew', async (t) => {
  const server = await newServer(t, await newFolder(t));
  const queue = await newQueue(t, server.url);
  await queue.publishTasks([ingestTask('lost')]);
  await server.stop();
  await newServer(t, await newFolder(t), portOf(server));
  await queue.publishTasks([ingestTask('a')]);
  // The task may be there a moment before the consumers are: then a pull ends early, as any may.
  let delivery: TaskDelivery | null = null;
  while (delivery === null) delivery = await queue.pullTask(['ingest'], 10_000, never);
  t.is(delivery.subject, 'tasks.ingest.scene.a');
});

test('nats queue: an agent that waits finds the streams of a bus that lost its state', async (t) => {
  const server = await newServer(t, await newFolder(t));
  const agent = await newQueue(t, server.url);
  await server.stop();
  await newServer(t, await newFolder(t), portOf(server));
  while (await agent.depth().then(() => false, () => true)) await agent.pullTask(['ingest'], 100, never);
  t.is((await agent.depth()).ingest, 0);
});

test('nats queue: a publish while the server is away ends when its signal aborts', async (t) => {
  const server = await newServer(t, await newFolder(t));
  const queue = await newQueue(t, server.url);
  await server.stop();
  const abort = new AbortController();
  const publishing = queue.publishTasks([ingestTask('a')], { signal: abort.signal });
  abort.abort();
  await t.throwsAsync(publishing, { any: true, name: 'AbortError' });
});

test('nats queue: no server, and wrong credentials, are told with the address', async (t) => {
  const error = await t.throwsAsync(openNatsQueue({ servers: 'nats://127.0.0.1:1', connectTimeoutMs: 0 }), { instanceOf: ServiceUnavailableError });
  t.regex(error.message, /127\.0\.0\.1:1/);
  await t.throwsAsync(openNatsQueue({ servers: '' }), { instanceOf: InputError });
  await t.throwsAsync(openNatsQueue({ servers: 'nats://127.0.0.1:1', auth: { by: 'creds', credsFile: '/nowhere.creds' } }), { instanceOf: InputError });
});

test('private server: stopping it leaves its state and log, and no other file', async (t) => {
  const folder = await newFolder(t);
  const server = await newServer(t, folder);
  await newQueue(t, server.url);
  await server.stop();
  await server.stop();
  t.deepEqual((await readdir(folder)).sort(), ['jetstream', 'nats-server.log']);
});

test('private server: it ends with a parent killed by kill -9', async (t) => {
  const folder = await newFolder(t);
  const index = new URL('../io/index.js', import.meta.url).href;
  const program = `
    import { startNatsServer } from ${JSON.stringify(index)};
    console.log((await startNatsServer({ storeDir: ${JSON.stringify(folder)} })).url);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(parent.stdout, 'data');
  const socket = connectSocket(Number(new URL(String(line).trim()).port), '127.0.0.1');
  await once(socket, 'data');
  const ended = once(socket, 'close');
  parent.kill('SIGKILL');
  await ended;
  t.pass();
});

test('private server: it does not keep its parent alive', async (t) => {
  const folder = await newFolder(t);
  const index = new URL('../io/index.js', import.meta.url).href;
  const program = `import { startNatsServer } from ${JSON.stringify(index)}; await startNatsServer({ storeDir: ${JSON.stringify(folder)} });`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(parent, 'exit');
  t.is(code, 0);
});

test('private server: a port that is taken, and a missing program, are told', async (t) => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  t.teardown(() => { blocker.close(); });
  const address = blocker.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const folder = await newFolder(t);
  const error = await t.throwsAsync(startNatsServer({ storeDir: folder, port }), { instanceOf: AltiplanoError });
  t.regex(error.message, /address already in use/);
  const missing = await t.throwsAsync(startNatsServer({ storeDir: folder, program: '/nowhere/nats-server' }), { instanceOf: InputError });
  t.regex(missing.message, /apt-get install nats-server/);
});
