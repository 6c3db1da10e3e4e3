// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { type IngestTask, ServiceUnavailableError, type TaskEvent, type TaskOutcome, encodeMessage, ledgerKey, taskHash } from '@altiplano/protocol';
import {
  type ObjectStore, type TaskDelivery, type TaskQueue, openMemoryQueue, openMemoryStore, readAttempts, readOutcome, writeOutcome,
} from '@altiplano/protocol/io';
import { type DeliveryPorts, recordUnwanted, runDelivery } from './run-delivery.js';
import { TaskFailedError } from './task-failure.js';

const never = new AbortController().signal;
const task: IngestTask = { v: 1, kind: 'ingest', sceneId: 'scene', taskId: 't1', round: 0, source: '/x.tif', band: 1, mask: null, outKey: 'out' };

const round = { taskId: 't1', taskHash: taskHash(task), round: 0 };

/** The process dies at this call: nothing after it happens. */
class Crash extends Error {}

interface World {
  readonly queue: TaskQueue;
  readonly store: ObjectStore;
  runs: number;
  /** Fails the run with this. */
  failure: Error | null;
  /** Everything told so far. */
  readonly events: TaskEvent[];
}

function makeWorld(): World {
  const queue = openMemoryQueue({ ackWaitMs: 0 });
  const events: TaskEvent[] = [];
  void (async () => { for await (const event of queue.events('scene', never)) events.push(event); })();
  return { queue, store: openMemoryStore(), runs: 0, failure: null, events };
}

/** Wraps the methods of an object so that `gate` runs before and after each. */
function gated<T extends object>(target: T, gate: () => void): T {
  return new Proxy(target, {
    get(object, name, receiver) {
      const value: unknown = Reflect.get(object, name, receiver);
      if (typeof value !== 'function') return value;
      // Begun and not awaited.
      if (name === 'list') {
        return (...args: unknown[]): unknown => {
          gate();
          return Reflect.apply(value, object, args);
        };
      }
      return async (...args: unknown[]) => {
        gate();
        const result: unknown = await Reflect.apply(value, object, args);
        gate();
        return result;
      };
    },
  });
}

function portsOf(world: World, gate: () => void = () => undefined): DeliveryPorts {
  return {
    agent: 'agent', queue: gated(world.queue, gate), store: gated(world.store, gate), log: () => undefined, logPlace: 'host:/agent.log', now: () => new Date(),
    async runTask({ outKey }) {
      world.runs += 1;
      if (world.failure !== null) throw world.failure;
      await world.store.putIfAbsent(outKey, Buffer.from('pixels'));
      return { result: { state: 'done', outKey, stages: { read: 1 }, metrics: {} }, wallSeconds: 1, cpuSeconds: 1 };
    },
  };
}

async function pull(world: World): Promise<TaskDelivery | null> {
  return world.queue.pullTask(['ingest'], 0, never);
}

/** What was told, when all of it has been heard. */
async function eventsOf(world: World): Promise<readonly TaskEvent[]> {
  await world.queue.publishEvent({ v: 1, type: 'started', sceneId: 'scene', taskId: 'last', kind: 'ingest', agent: '', at: new Date().toISOString(), attempt: 1 });
  while (world.events.at(-1)?.taskId !== 'last') await Promise.resolve();
  return world.events.slice(0, -1);
}

/** Runs deliveries until the queue is empty; dies at the `crashAt`th gate of the first. Returns whether it came that far. */
async function runWithCrash(world: World, crashAt: number): Promise<boolean> {
  let gates = 0;
  // Who died does nothing more.
  const gate = (): void => { if (++gates >= crashAt) throw new Crash(); };
  const first = await pull(world);
  if (first === null) return false;
  const isCrashed = await runDelivery(portsOf(world, gate), gated(first, gate), never).then(() => false, (error: unknown) => {
    if (error instanceof Crash) return true;
    throw error;
  });
  for (let delivery = await pull(world); delivery !== null; delivery = await pull(world)) await runDelivery(portsOf(world), delivery, never);
  return isCrashed;
}

test('an agent that dies anywhere in a delivery leaves a task that the next one ends as done, and run at most twice', async (t) => {
  let crashAt = 1;
  for (; ; crashAt++) {
    const world = makeWorld();
    await world.queue.publishTasks([task]);
    const isCrashed = await runWithCrash(world, crashAt);
    t.like(await readOutcome(world.store, 'scene', round), { state: 'done', outKey: 'out' }, `gate ${crashAt}`);
    t.true(await world.store.has('out'));
    t.true(world.runs <= 2);
    t.is(await pull(world), null);
    t.true((await eventsOf(world)).some(({ type }) => type === 'ended'), `gate ${crashAt}`);
    if (!isCrashed) break;
  }
  t.true(crashAt >= 9, `${crashAt} gates`);
});

test('an agent that dies anywhere in a failing delivery leaves a task that the next one ends as dead', async (t) => {
  for (let crashAt = 1; ; crashAt++) {
    const world = makeWorld();
    world.failure = new TaskFailedError({ code: 'bad-rpc', message: 'no RPC', class: 'permanent' });
    await world.queue.publishTasks([task]);
    const isCrashed = await runWithCrash(world, crashAt);
    t.like(await readOutcome(world.store, 'scene', round), { state: 'dead', error: { code: 'bad-rpc' } }, `gate ${crashAt}`);
    t.is(await pull(world), null);
    if (!isCrashed) break;
  }
});

test('a store that is away is waited for with the task in hand', async (t) => {
  const world = makeWorld();
  await world.queue.publishTasks([task]);
  const delivery = await pull(world);
  if (delivery === null) return t.fail();
  let failures = 1;
  const ports = portsOf(world);
  const store: ObjectStore = {
    ...world.store,
    async has(key) {
      if (failures-- > 0) throw new ServiceUnavailableError('store: away');
      return world.store.has(key);
    },
  };
  t.is(await runDelivery({ ...ports, store }, delivery, never), 'settled');
  t.like(await readOutcome(world.store, 'scene', round), { state: 'done', attempts: 1 });
});

test('every attempt that ends nothing is in the ledger, and a new broker forgets none', async (t) => {
  const world = makeWorld();
  world.failure = new TaskFailedError({ code: 'unknown', message: 'a bug', class: 'unknown', stage: 'match' });
  for (const attempts of [1, 2]) {
    // Each time with an empty queue, as after its broker lost everything.
    const renewed: World = { ...world, queue: openMemoryQueue({ ackWaitMs: 0 }) };
    await renewed.queue.publishTasks([task], { mayHaveAttempts: attempts > 1 });
    const delivery = await pull(renewed);
    if (delivery === null) return t.fail();
    await runDelivery({ ...portsOf(renewed), logPlace: `host:/agent-${attempts}.log` }, { ...delivery, message: `message-${attempts}` }, never);
    const records = await readAttempts(world.store, 'scene', round);
    t.is(records.length, attempts);
    t.like(records.at(-1), { class: 'unknown', stage: 'match', agent: 'agent', log: `host:/agent-${attempts}.log`, isolated: false, split: false });
    t.is(await readOutcome(world.store, 'scene', round), null);
  }
  await world.queue.publishTasks([task], { mayHaveAttempts: true });
  const delivery = await pull(world);
  if (delivery === null) return t.fail();
  await runDelivery(portsOf(world), { ...delivery, message: 'message-3' }, never);
  t.like(await readOutcome(world.store, 'scene', round),
    { state: 'dead', attempts: 3, log: 'host:/agent.log', error: { code: 'unknown', message: 'a bug', class: 'unknown', stage: 'match' } });
});

test('two agents with the same task, its messages twice and out of order: one outcome, and each delivery counts once', async (t) => {
  const world = makeWorld();
  world.failure = new TaskFailedError({ code: 'unknown', message: 'a bug', class: 'unknown' });
  await world.queue.publishTasks([task]);
  const first = await pull(world);
  const second = await pull(world);
  if (first === null || second === null) return t.fail();
  t.is(second.attempt, 2);
  const outcomes: (TaskOutcome | null)[] = [];
  for (const delivery of [second, first, second, first, second, first, second, first]) {
    await runDelivery(portsOf(world), delivery, never);
    outcomes.push(await readOutcome(world.store, 'scene', round));
  }
  const records = await readAttempts(world.store, 'scene', round);
  t.deepEqual(new Set(records.map(({ delivery }) => delivery)).size, records.length);
  t.like(records.map((record) => record.class).sort(), ['unknown', 'vanished'], 'the second agent saw the first one vanish, which counts once');
  t.true(outcomes.every((outcome) => outcome === null));

  world.failure = null;
  await Promise.all([second, first, second].map((delivery) => runDelivery(portsOf(world), delivery, never)));
  const ended = await readOutcome(world.store, 'scene', round);
  t.is(ended?.state, 'done');
  for (const delivery of [first, second]) await runDelivery(portsOf(world), delivery, never);
  t.deepEqual(await readOutcome(world.store, 'scene', round), ended, 'the first outcome counts');
  const told = (await eventsOf(world)).flatMap((event) => (event.type === 'ended' ? [event.outcome] : []));
  t.true(told.length > 1);
  for (const outcome of told) t.deepEqual(outcome, ended);
});

test('memory: once more, split in four, then dead', async (t) => {
  const world = makeWorld();
  const runs: (readonly [boolean, boolean])[] = [];
  const runTask: DeliveryPorts['runTask'] = async (_task, { isolated, split }) => {
    runs.push([isolated, split]);
    throw new TaskFailedError({ code: 'memory-budget', message: 'too large', class: 'memory' });
  };
  await world.queue.publishTasks([task]);
  for (let delivery = await pull(world); delivery !== null; delivery = await pull(world)) await runDelivery({ ...portsOf(world), runTask }, delivery, never);
  t.deepEqual(runs, [[false, false], [false, true]]);
  t.like(await readOutcome(world.store, 'scene', round), { state: 'dead', attempts: 2, error: { code: 'memory-budget', class: 'memory' } });
});

test('a first delivery lists nothing', async (t) => {
  const world = makeWorld();
  const list = (): never => t.fail() as never;
  await world.queue.publishTasks([task]);
  const delivery = await pull(world);
  if (delivery === null) return t.fail();
  const ports = portsOf(world);
  await runDelivery({ ...ports, store: { ...ports.store, list } }, delivery, never);
  t.like(await readOutcome(world.store, 'scene', round), { state: 'done', attempts: 1 });
});

test('a failure does not replace what another agent has done meanwhile', async (t) => {
  const world = makeWorld();
  await world.queue.publishTasks([task]);
  const delivery = await pull(world);
  if (delivery === null) return t.fail();
  const done: TaskOutcome = {
    v: 1, sceneId: 'scene', taskId: 't1', kind: 'ingest', state: 'done', outKey: 'out', taskHash: taskHash(task), round: 0, attempts: 2, agent: 'other',
    startedAt: new Date().toISOString(), wallSeconds: 1, cpuSeconds: 1, stages: {}, metrics: {},
  };
  const runTask = async (): Promise<never> => {
    await writeOutcome(world.store, done);
    throw new TaskFailedError({ code: 'bad-rpc', message: 'no RPC', class: 'permanent' });
  };
  await runDelivery({ ...portsOf(world), runTask }, delivery, never);
  t.deepEqual(await readOutcome(world.store, 'scene', round), done);
  t.is(await pull(world), null);
  t.deepEqual(await world.queue.deadLetters('scene'), []);
});

test('an earlier round\'s end does not keep a task that was asked for again from running, and stays in the ledger', async (t) => {
  const world = makeWorld();
  world.failure = new TaskFailedError({ code: 'bad-rpc', message: 'no RPC', class: 'permanent' });
  for (const asked of [0, 2]) {
    await world.queue.publishTasks([{ ...task, round: asked }]);
    const delivery = await pull(world);
    if (delivery === null) return t.fail();
    await runDelivery(portsOf(world), delivery, never);
    world.failure = null;
  }
  t.like(await readOutcome(world.store, 'scene', round), { state: 'dead', round: 0 });
  t.like(await readOutcome(world.store, 'scene', { ...round, round: 2 }), { state: 'done', round: 2 });
});

test('a ledger entry that can\'t be read does not keep a task from running', async (t) => {
  for (const entry of ['{"v":99}', 'not json', '{}']) {
    const world = makeWorld();
    await world.store.put(ledgerKey('scene', round), Buffer.from(entry));
    await world.queue.publishTasks([task]);
    const delivery = await pull(world);
    if (delivery === null) return t.fail();
    await runDelivery(portsOf(world), delivery, never);
    t.like(await readOutcome(world.store, 'scene', round), { state: 'done', taskHash: taskHash(task) });
  }
});

/** A message of the task `t1` by another release, and how it is answered. */
function unreadable(): { readonly delivery: TaskDelivery; readonly answers: readonly string[] } {
  const answers: string[] = [];
  return {
    answers,
    delivery: {
      bytes: encodeMessage({ ...task, v: 2 as 1 }), subject: 'tasks.ingest.scene.t1', hash: taskHash(task), round: 0, message: 'm', mayHaveAttempts: false, attempt: 1,
      working: async () => true,
      ack: async () => { answers.push('ack'); },
      retry: async () => { answers.push('retry'); },
      reject: async () => { answers.push('reject'); },
    },
  };
}

test('an unreadable message of a task that an agent of another release has ended changes nothing, and tells that end', async (t) => {
  const world = makeWorld();
  const done: TaskOutcome = {
    v: 1, sceneId: 'scene', taskId: 't1', kind: 'ingest', state: 'done', outKey: 'out', taskHash: taskHash(task), round: 0, attempts: 1, agent: 'other',
    startedAt: new Date().toISOString(), wallSeconds: 1, cpuSeconds: 1, stages: {}, metrics: {},
  };
  await writeOutcome(world.store, done);
  const { delivery, answers } = unreadable();
  await runDelivery(portsOf(world), delivery, never);
  t.deepEqual(await readOutcome(world.store, 'scene', round), done);
  t.deepEqual((await eventsOf(world)).map((event) => (event.type === 'ended' ? event.outcome : null)), [done]);
  t.deepEqual(await world.queue.deadLetters('scene'), []);
  t.deepEqual(answers, ['reject']);
});

test('an unreadable message of a known task ends that task as dead, so that its scene need not wait', async (t) => {
  const world = makeWorld();
  const { delivery, answers } = unreadable();
  await runDelivery(portsOf(world), delivery, never);
  t.like(await readOutcome(world.store, 'scene', round), { state: 'dead', taskHash: taskHash(task), error: { code: 'malformed-message' } });
  t.deepEqual(answers, ['reject']);
  t.is((await world.queue.deadLetters('scene')).length, 1);
  t.deepEqual((await eventsOf(world)).map(({ type }) => type), ['ended']);
});

test('an abort hands the task back for the next agent at once', async (t) => {
  const world = makeWorld();
  await world.queue.publishTasks([task]);
  const delivery = await pull(world);
  if (delivery === null) return t.fail();
  const stop = new AbortController();
  const runTask = async (_: unknown, { signal }: { readonly signal: AbortSignal }): Promise<never> => {
    stop.abort();
    signal.throwIfAborted();
    throw new Error('unreachable');
  };
  t.is(await runDelivery({ ...portsOf(world), runTask }, delivery, stop.signal), 'returned');
  const again = await pull(world);
  t.is(again?.attempt, 2);
  t.is(await readOutcome(world.store, 'scene', round), null);
  t.like(await readAttempts(world.store, 'scene', round), [{ class: 'drain', agent: 'agent' }]);
  if (again !== null) await runDelivery(portsOf(world), again, never);
  t.like(await readOutcome(world.store, 'scene', round), { state: 'done', attempts: 1 }, 'it counts for nothing');
});

test('a delivery that came when nobody waited for it counts for nothing: its agent has not vanished', async (t) => {
  const world = makeWorld();
  await world.queue.publishTasks([task]);
  const unwanted = await pull(world);
  if (unwanted === null) return t.fail();
  await recordUnwanted(portsOf(world), unwanted);
  await unwanted.retry(0);
  const again = await pull(world);
  if (again === null) return t.fail();
  t.is(again.attempt, 2);
  const runTask: DeliveryPorts['runTask'] = (of, options) => {
    t.false(options.isolated, 'no process of its own');
    return portsOf(world).runTask(of, options);
  };
  await runDelivery({ ...portsOf(world), runTask }, again, never);
  t.like(await readOutcome(world.store, 'scene', round), { state: 'done', attempts: 1 });
  t.like(await readAttempts(world.store, 'scene', round), [{ class: 'drain', code: 'unwanted', kind: 'ingest', delivery: `${unwanted.message}-1` }]);
});
