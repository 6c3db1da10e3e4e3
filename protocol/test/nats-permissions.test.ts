// SPDX-License-Identifier: Apache-2.0
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NatsConnection, connect } from '@nats-io/transport-node';
import test, { type ExecutionContext } from 'ava';
import { AccessDeniedError, type BusRole, type TaskEvent, agentsBucket, deadStream, inboxPrefixOf, taskKinds, taskSubject, tasksStream } from '../src/index.js';
import { type NatsServer, type TaskQueue, openNatsQueue, startNatsServer } from '../io/index.js';
import { permissionsConfig, permissionsOf, roleAuth } from './permissions.js';
import { agentInfo, ingestTask } from './task-queue-conformance.js';

const never = new AbortController().signal;
const ackWaitMs = 2_000;

interface World {
  readonly server: NatsServer;
  /** What the queues reported. */
  readonly reported: string[];
  /** Fires 'problem' with each of them. */
  readonly problems: EventEmitter;
  open(role: BusRole): Promise<TaskQueue>;
  /** A bare connection with a role's account. */
  connect(role: BusRole): Promise<NatsConnection>;
}

async function newServer(t: ExecutionContext, port?: number): Promise<NatsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-permissions-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const server = await startNatsServer({ storeDir: folder, config: await permissionsConfig(), ...(port !== undefined && { port }) });
  t.teardown(() => server.stop());
  return server;
}

async function newWorld(t: ExecutionContext): Promise<World> {
  const server = await newServer(t);
  const reported: string[] = [];
  const problems = new EventEmitter().on('problem', (message: string) => reported.push(message));
  return {
    server, reported, problems,
    async open(role) {
      const queue = await openNatsQueue({ servers: server.url, role, auth: roleAuth(role), ackWaitMs, onProblem: ({ message }) => problems.emit('problem', message) });
      t.teardown(() => queue.close());
      return queue;
    },
    async connect(role) {
      const connection = await connect({ servers: server.url, user: role, pass: `${role}-password`, inboxPrefix: inboxPrefixOf(role) });
      t.teardown(() => connection.close());
      return connection;
    },
  };
}

const startedEvent: TaskEvent = { v: 1, type: 'started', sceneId: 'scene', taskId: 'a', kind: 'ingest', agent: 'x', at: '2026-01-01T00:00:00.000Z', attempt: 1 };

test('with its own permissions each role does all it has to, and the server objects to nothing', async (t) => {
  const world = await newWorld(t);
  const [coordinator, agent, viewer] = [await world.open('coordinator'), await world.open('agent'), await world.open('viewer')];
  await coordinator.ensure();
  await coordinator.ensure();
  await agent.ensure();
  const heard = [coordinator, viewer].map((queue) => queue.events('scene', never)[Symbol.asyncIterator]().next());
  await coordinator.publishTasks([ingestTask('a'), ingestTask('b')]);
  await coordinator.publishTasks([ingestTask('b', '/another.tif')]); // replaces the one that waits
  t.is((await viewer.depth()).ingest, 2);

  const first = await agent.pullTask(taskKinds, 5_000, never);
  t.true(await first?.working());
  await agent.publishEvent(startedEvent);
  for (const next of heard) t.like((await next).value, { type: 'started', taskId: 'a' });
  await first?.retry(0);
  for (const _ of ['a', 'b']) await (await agent.pullTask(taskKinds, 5_000, never))?.ack();
  await coordinator.publishTasks([ingestTask('c')]);
  await (await agent.pullTask(taskKinds, 5_000, never))?.reject();
  t.is((await coordinator.depth()).ingest, 0);

  await coordinator.publishTasks([ingestTask('d')]);
  await coordinator.purgeScene('scene');
  t.is((await coordinator.depth()).ingest, 0);
  const nudged = new Promise<void>((resolve) => { coordinator.onNudge(resolve, never); });
  await coordinator.depth(); // its subscription is there when this is answered
  await viewer.nudge();
  await nudged;

  await agent.announceAgent('host.example-1', agentInfo(1));
  t.deepEqual([...await viewer.agents()], [['host.example-1', agentInfo(1)]]);
  t.is((await coordinator.agents()).size, 1);
  await agent.publishDead({
    v: 1, sceneId: 'scene', taskId: 'c', error: { code: 'bad-input', message: 'x' }, attempts: 1, agent: 'x', at: '2026-01-01T00:00:00.000Z', task: Uint8Array.of(1),
  });
  for (const queue of [coordinator, viewer]) t.is((await queue.deadLetters('scene')).length, 1);
  t.deepEqual(world.reported, []);
});

test('every kind of task is in the permissions of each role', async (t) => {
  for (const role of ['agent', 'coordinator', 'viewer'] as const) {
    const text = await permissionsOf(role);
    for (const kind of taskKinds) t.true(text.includes(tasksStream(kind)), `${role}: ${kind}`);
  }
});

/** Publishes where the role may not, and resolves to the server's objection. */
async function objection(connection: NatsConnection, act: () => void): Promise<string> {
  const statuses = connection.status()[Symbol.asyncIterator]();
  act();
  for (;;) {
    const { value } = await statuses.next();
    if (value?.type === 'error') return value.error.message;
  }
}

test('an agent can do no more than its work', async (t) => {
  const world = await newWorld(t);
  const coordinator = await world.open('coordinator');
  await coordinator.ensure();
  await coordinator.publishTasks([ingestTask('a')]);
  const agent = await world.connect('agent');
  for (const subject of [
    taskSubject('ingest', 'scene', 'x'),
    `$JS.API.STREAM.DELETE.${tasksStream('stereo')}`, `$JS.API.STREAM.PURGE.${tasksStream('stereo')}`, `$JS.API.STREAM.CREATE.${tasksStream('stereo')}`,
    `$JS.API.STREAM.UPDATE.${deadStream}`, `$JS.API.STREAM.MSG.GET.${tasksStream('ingest')}`, `$JS.API.STREAM.MSG.DELETE.${tasksStream('ingest')}`, '$JS.API.STREAM.NAMES',
    `$JS.API.CONSUMER.CREATE.${tasksStream('ingest')}`, `$JS.API.CONSUMER.DELETE.${tasksStream('ingest')}.agents-ingest`, `$JS.API.CONSUMER.CREATE.${deadStream}`,
    `$JS.API.STREAM.INFO.KV_${agentsBucket}`, `$JS.API.DIRECT.GET.KV_${agentsBucket}.$KV.${agentsBucket}.other`,
    'events.scene.anything', 'some.other.subject', `${inboxPrefixOf('coordinator')}.x`, '$SYS.REQ.SERVER.PING',
  ]) t.regex(await objection(agent, () => { agent.publish(subject, ''); }), /Permissions Violation for Publish/, subject);
  for (const subject of [
    'events.>', 'tasks.>', 'dead.>', '>', `$KV.${agentsBucket}.>`, '_INBOX.>', `${inboxPrefixOf('coordinator')}.>`, `${inboxPrefixOf('viewer')}.>`, '$JS.EVENT.ADVISORY.>',
  ]) t.regex(await objection(agent, () => { agent.subscribe(subject, { callback: () => undefined }); }), /Permissions Violation for Subscription/, subject);
  t.is((await coordinator.depth()).ingest, 1, 'nothing came of it');
});

test('who only looks can\'t change anything', async (t) => {
  const world = await newWorld(t);
  await (await world.open('coordinator')).ensure();
  const viewer = await world.connect('viewer');
  for (const subject of [
    taskSubject('ingest', 'scene', 'x'), 'events.scene.ends', 'dead.scene.x', `$KV.${agentsBucket}.x`, `$JS.API.CONSUMER.MSG.NEXT.${tasksStream('ingest')}.agents-ingest`,
    `$JS.API.STREAM.DELETE.${deadStream}`, `$JS.API.STREAM.PURGE.${deadStream}`, '$JS.ACK.TASKS-ingest.agents-ingest.1.1.1.1.0',
  ]) t.regex(await objection(viewer, () => { viewer.publish(subject, ''); }), /Permissions Violation for Publish/, subject);
});

test('what an account may not do fails with the subject and the set that has it', async (t) => {
  const server = await newServer(t);
  const queue = await openNatsQueue({ servers: server.url, auth: roleAuth('agent'), inboxPrefix: inboxPrefixOf('agent') });
  t.teardown(() => queue.close());
  const error = await t.throwsAsync(queue.publishTasks([ingestTask('a')]), { instanceOf: AccessDeniedError });
  t.regex(error.message, /may not publish to tasks\.ingest\.scene\.a; .*'coordinator'/);
});

test('a program with the account of another role ends with the subject it may not use', async (t) => {
  const server = await newServer(t);
  for (const [role, account, expected] of [
    ['agent', 'viewer', /may not subscribe to _INBOX_agent\..*'agent'/], ['coordinator', 'agent', /_INBOX_coordinator|\$JS\.API\.STREAM/],
  ] as const) {
    const queue = await openNatsQueue({ servers: server.url, role, auth: roleAuth(account) });
    t.teardown(() => queue.close());
    t.regex((await t.throwsAsync(queue.ensure())).message, expected);
  }
});

test('agents wait until a coordinator has made the streams, at the start and after the loss of the bus with all its state', async (t) => {
  const world = await newWorld(t);
  const agent = await world.open('agent');
  const ready = agent.ensure();
  const [problem] = await once(world.problems, 'problem');
  t.regex(String(problem), /waiting for a coordinator/);
  const coordinator = await world.open('coordinator');
  await coordinator.ensure();
  await ready;
  const port = Number(new URL(world.server.url).port);
  const pull = agent.pullTask(taskKinds, 30_000, never);
  await world.server.stop();
  await newServer(t, port);
  await coordinator.publishTasks([ingestTask('a')]);
  let delivery = await pull;
  while (delivery === null) delivery = await agent.pullTask(taskKinds, 5_000, never);
  t.is(delivery.subject, 'tasks.ingest.scene.a');
});

test('a coordinator that comes back to a bus without its state makes the streams, though it has nothing to publish', async (t) => {
  const world = await newWorld(t);
  const [coordinator, agent] = [await world.open('coordinator'), await world.open('agent')];
  await coordinator.ensure();
  await agent.ensure();
  await world.server.stop();
  await newServer(t, Number(new URL(world.server.url).port));
  await agent.ensure();
  await agent.announceAgent('a', agentInfo(1));
  t.true((await coordinator.agents()).has('a'));
});
