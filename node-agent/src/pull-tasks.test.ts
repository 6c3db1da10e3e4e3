// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { type Task, encodeMessage } from '@altiplano/protocol';
import { type TaskDelivery, openMemoryStore } from '@altiplano/protocol/io';
import type { AgentEvents } from './log.js';
import { type InHand, pullTasks } from './pull-tasks.js';
import type { RunOptions, TaskRun } from './run-delivery.js';

const taskOf = (taskId: string): Task =>
  ({ v: 1, kind: 'ingest', sceneId: 'scene', taskId, round: 0, source: '/x.tif', band: 1, mask: null, outKey: `scenes/scene/${taskId}.tif` });

/** An agent of `slots` slots on a list of tasks. It drains when they are answered, or when `stop` aborts. */
async function pullAll(taskIds: readonly string[], slots: number, world: {
  readonly runTask: (task: Task, options: RunOptions) => Promise<TaskRun>; readonly working?: (taskId: string) => Promise<boolean>; readonly stop?: AbortSignal;
  readonly inHand?: Set<InHand>;
}): Promise<{ readonly answers: readonly string[]; readonly events: readonly (keyof AgentEvents)[] }> {
  const [answers, events, drain]: [string[], (keyof AgentEvents)[], AbortController] = [[], [], new AbortController()];
  const waiting = [...taskIds];
  const answer = (text: string): void => { if (answers.push(text) === taskIds.length) drain.abort(); };
  const deliver = (taskId: string): TaskDelivery => ({
    bytes: encodeMessage(taskOf(taskId)), subject: `tasks.ingest.scene.${taskId}`, hash: 'h', round: 0, message: 'm', mayHaveAttempts: false, attempt: 1,
    working: () => world.working?.(taskId) ?? Promise.resolve(true),
    ack: async () => { answer(`${taskId} ack`); }, retry: async () => { answer(`${taskId} retry`); }, reject: async () => { answer(`${taskId} reject`); },
  });
  await pullTasks({
    agent: 'a', store: openMemoryStore(), logPlace: 'host:/log', now: () => new Date(), runTask: world.runTask, log: (event) => { events.push(event); },
    queue: {
      publishEvent: async () => undefined, publishDead: async () => undefined,
      // Waits as a queue does, until told to stop.
      pullTask: (_kinds, _waitMs, signal) => new Promise((resolve) => {
        const next = waiting.shift();
        if (next !== undefined) resolve(deliver(next));
        else if (signal.aborted) resolve(null);
        else signal.addEventListener('abort', () => { resolve(null); });
      }),
    },
  }, { slots, kinds: ['ingest'], heartbeatMs: 5, drain: drain.signal, graceMs: 60_000, stop: world.stop ?? new AbortController().signal, ...(world.inHand && { inHand: world.inHand }) });
  return { answers, events };
}

const ran: TaskRun = { result: { state: 'done', outKey: 'k', stages: {}, metrics: {} }, wallSeconds: 0, cpuSeconds: 0 };

test('every task in hand asks for more time until it is answered, and a doubtful lease is told once', async (t) => {
  const beats: Record<string, number> = { a: 0, b: 0 };
  const enough = new Map<string, () => void>();
  const world = {
    runTask: ({ taskId }: Task) => new Promise<TaskRun>((resolve) => { enough.set(taskId, () => { resolve(ran); }); }),
    working: async (taskId: string) => {
      beats[taskId] = (beats[taskId] ?? 0) + 1;
      if (beats[taskId] === 3) enough.get(taskId)?.();
      return taskId === 'a';
    },
  };
  const { answers, events } = await pullAll(['a', 'b'], 2, world);
  t.deepEqual([...answers].sort(), ['a ack', 'b ack']);
  t.true((beats['a'] ?? 0) >= 3 && (beats['b'] ?? 0) >= 3);
  t.is(events.filter((event) => event === 'lease:doubtful').length, 1);
  const last = { ...beats };
  await new Promise((resolve) => { setTimeout(resolve, 30); });
  t.deepEqual(beats, last, 'and no more when they are');
});

test('no more tasks are in hand than there are slots, and who looks sees these, with the stage they have reached', async (t) => {
  const inHand = new Set<InHand>();
  const seen = new Set<string>();
  let running = 0;
  await pullAll(['a', 'b', 'c', 'd'], 2, {
    inHand,
    runTask: async (_task, { onStage }) => {
      running += 1;
      onStage('match');
      for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => { setImmediate(resolve); });
      seen.add([...inHand].map(({ sceneId, kind, taskId, stage }) => `${sceneId} ${kind} ${taskId} ${stage}`).join(', '));
      t.true(running <= 2);
      running -= 1;
      return ran;
    },
  });
  t.true(seen.has('scene ingest a match, scene ingest b match'), [...seen].join('; '));
  t.is(inHand.size, 0, 'what has ended is in nobody\'s hand');
});

test('a task is handed back by a stop, and those that were taken after others ended are, too', async (t) => {
  const stop = new AbortController();
  const { answers } = await pullAll(['a', 'b', 'c', 'd'], 1, {
    stop: stop.signal,
    runTask: async ({ taskId }, { signal }) => {
      t.false(signal.aborted, `${taskId} begins with a signal of its own`);
      if (taskId !== 'd') return ran;
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => { reject(new Error('stopped')); });
        stop.abort();
      });
    },
  });
  t.deepEqual(answers, ['a ack', 'b ack', 'c ack', 'd retry']);
});
