// SPDX-License-Identifier: Apache-2.0
import type { ExecutionContext, TestFn } from 'ava';
import { type AgentInfo, type IngestTask, type Task, type TaskEvent, type TaskKind, parseTask, taskHash, taskKinds } from '../src/index.js';
import type { TaskDelivery, TaskQueue } from '../io/index.js';

export interface QueueUnderTest {
  readonly queue: TaskQueue;
  /** The queue's ack wait. */
  readonly ackWaitMs: number;
  /** Lets a fake clock pass by; does nothing where time passes by itself. */
  readonly elapse: (ms: number) => Promise<void>;
  now(): number;
  /** Resolves when the acks sent so far have been taken, and no task is left. */
  isEmpty(): Promise<void>;
}

const never = new AbortController().signal;
const longMs = 20_000;

export const ingestTask = (taskId: string, source = '/x.tif', sceneId = 'scene'): IngestTask =>
  ({ v: 1, kind: 'ingest', sceneId, taskId, round: 0, source, band: 1, mask: null, outKey: `scenes/${sceneId}/${taskId}.tif` });

const rpc = {
  lonOff: 0, lonScale: 1, latOff: 0, latScale: 1, altOff: 0, altScale: 1, colOff: 0, colScale: 1, rowOff: 0, rowScale: 1,
  colNum: Array<number>(20).fill(0), colDen: Array<number>(20).fill(1), rowNum: Array<number>(20).fill(0), rowDen: Array<number>(20).fill(1),
};

/** A small valid task of any kind. */
function anyTask(kind: TaskKind, taskId: string): Task {
  if (kind === 'ingest') return ingestTask(taskId);
  const image = { key: 'k', width: 1, height: 1, rpc };
  const params = {
    p1: 1, p2: 2, leftRightPx: 1, specklePx: 0, medianSize: 3, maxDisparities: 16, marginPx: 0, rasterSigma: 1, rasterRadius: 1, rangeMargin: 0, pointingSearchPx: 1,
  };
  const common = { v: 1, sceneId: 'scene', taskId, round: 0, pairId: '0_1', crs: 'EPSG:32636', ref: image, sec: image, params, outKey: 'o' } as const;
  if (kind === 'align') return { ...common, kind, windowId: 'w', box: { minE: 0, minN: 0, maxE: 1, maxN: 1 }, heightRange: [0, 1], factor: 1 };
  return {
    ...common, kind, factor: kind === 'coarse' ? 4 : 1, tileId: 'x0y0', grid: { originE: 0, originN: 0, resolution: 1, width: 1, height: 1 }, haloCells: 0,
    heightRange: [0, 1], priorKey: null, correction: { col: [0, 1, 0], row: [0, 0, 1] }, memoryBudgetMb: 1,
  };
}

const startedEvent = (taskId: string, sceneId = 'scene'): TaskEvent =>
  ({ v: 1, type: 'started', sceneId, taskId, kind: 'ingest', agent: 'a', at: '2026-01-01T00:00:00.000Z', attempt: 1 });

export const agentInfo = (pid: number): AgentInfo => ({
  v: 1, host: 'host', pid, cores: 2, simd: 'AVX2', version: '0', slots: 1, kinds: ['stereo'], state: 'working',
  inHand: [{ sceneId: 'scene', taskId: 't', kind: 'stereo', since: '2026-01-01T00:00:00.000Z', stage: 'match' }], startedAt: '2026-01-01T00:00:00.000Z', log: 'stderr',
});

/** What every task queue promises. `openEmpty` gives each test a queue of its own. */
export function testTaskQueue(test: TestFn, name: string, openEmpty: (t: ExecutionContext) => Promise<QueueUnderTest>): void {
  const title = (text: string): string => `${name} queue: ${text}`;

  async function pulled(t: ExecutionContext, { queue }: QueueUnderTest, kinds: readonly TaskKind[] = taskKinds): Promise<TaskDelivery> {
    const delivery = await queue.pullTask(kinds, longMs, never);
    if (delivery === null) return t.fail('no task came') as never;
    return delivery;
  }
  const idOf = (delivery: TaskDelivery | null): string | null => (delivery === null ? null : parseTask(delivery.bytes).taskId);

  test(title('a task of every kind comes as it was published, until it is acked'), async (t) => {
    const world = await openEmpty(t);
    const tasks = taskKinds.map((kind) => anyTask(kind, `t-${kind}`));
    await world.queue.publishTasks(tasks);
    t.deepEqual(await world.queue.depth(), { ingest: 1, align: 1, coarse: 1, stereo: 1 });
    for (const task of tasks) {
      const delivery = await pulled(t, world);
      t.deepEqual(parseTask(delivery.bytes), task);
      t.is(delivery.subject, `tasks.${task.kind}.scene.${task.taskId}`);
      t.is(delivery.attempt, 1);
      t.is(delivery.hash, taskHash(task));
      await delivery.ack();
    }
    t.deepEqual(await world.queue.depth(), { ingest: 0, align: 0, coarse: 0, stereo: 0 });
    t.is(await world.queue.pullTask(taskKinds, 0, never), null);
  });

  test(title('a task published again while it waits or is in hand is queued once'), async (t) => {
    const world = await openEmpty(t);
    const { queue } = world;
    await Promise.all([queue.publishTasks([ingestTask('a'), ingestTask('a')]), queue.publishTasks([ingestTask('a'), ingestTask('b')])]);
    t.is((await queue.depth()).ingest, 2);
    const inHand = await pulled(t, world);
    await queue.publishTasks([ingestTask('a'), ingestTask('b')]);
    t.is((await queue.depth()).ingest, 1);
    await inHand.ack();
    await (await pulled(t, world)).ack();
    t.is(await queue.pullTask(['ingest'], 0, never), null);
  });

  test(title('a task that ended may be published again'), async (t) => {
    const world = await openEmpty(t);
    for (const end of ['ack', 'reject', 'ack'] as const) {
      await world.queue.publishTasks([ingestTask('a')]);
      const delivery = await pulled(t, world);
      t.is(delivery.attempt, 1);
      await delivery[end]();
      await world.isEmpty();
    }
  });

  test(title('a task of the same id and another content replaces the one that waits'), async (t) => {
    const world = await openEmpty(t);
    await world.queue.publishTasks([ingestTask('a', '/old.tif')]);
    await world.queue.publishTasks([ingestTask('a', '/new.tif')]);
    t.is((await world.queue.depth()).ingest, 1);
    t.like(parseTask((await pulled(t, world)).bytes), { source: '/new.tif' });
  });

  test(title('a task asked for again replaces the one that waits, and says which round it is'), async (t) => {
    const world = await openEmpty(t);
    await world.queue.publishTasks([ingestTask('a')]);
    await world.queue.publishTasks([{ ...ingestTask('a'), round: 3 }]);
    t.is((await world.queue.depth()).ingest, 1);
    const delivery = await pulled(t, world);
    t.deepEqual([delivery.hash, delivery.round, parseTask(delivery.bytes).round], [taskHash(ingestTask('a')), 3, 3]);
  });

  test(title('the first kind with work wins'), async (t) => {
    const world = await openEmpty(t);
    await world.queue.publishTasks(taskKinds.map((kind) => anyTask(kind, kind)));
    for (const kinds of [['stereo', 'ingest'], ['stereo', 'ingest'], ['coarse', 'align'], ['coarse', 'align']] as const) {
      const delivery = await pulled(t, world, kinds);
      t.log(idOf(delivery));
      await delivery.ack();
    }
    t.deepEqual(await world.queue.depth(), { ingest: 0, align: 0, coarse: 0, stereo: 0 });
  });

  test(title('a pull without work ends with null, in time or when aborted, and takes nothing later'), async (t) => {
    const { queue, elapse } = await openEmpty(t);
    t.is(await queue.pullTask(taskKinds, 0, never), null);
    const inTime = queue.pullTask(taskKinds, 50, never);
    await elapse(50);
    t.is(await inTime, null);
    const abort = new AbortController();
    const aborted = queue.pullTask(taskKinds, longMs, abort.signal);
    abort.abort();
    t.is(await aborted, null);
    t.is(await queue.pullTask(taskKinds, longMs, abort.signal), null);
    await queue.publishTasks([ingestTask('a')]);
    const delivery = await queue.pullTask(taskKinds, longMs, never);
    t.deepEqual([idOf(delivery), delivery?.attempt], ['a', 1]);
  });

  test(title('waiting pulls share what is published, each task once'), async (t) => {
    const { queue } = await openEmpty(t);
    const pulls = Array.from({ length: 4 }, () => queue.pullTask(taskKinds, longMs, never));
    await queue.publishTasks([anyTask('coarse', 'a'), anyTask('coarse', 'b'), anyTask('coarse', 'c'), anyTask('coarse', 'd')]);
    t.deepEqual((await Promise.all(pulls)).map((delivery) => idOf(delivery) ?? 'none').sort(), ['a', 'b', 'c', 'd']);
  });

  test(title('eager pulls of several kinds at once lose no task and run none twice'), async (t) => {
    const { queue } = await openEmpty(t);
    const ended: (string | null)[] = [];
    const wanted = 80;
    const done = new AbortController();
    const agents = Array.from({ length: 6 }, async () => {
      while (!done.signal.aborted) {
        const delivery = await queue.pullTask(taskKinds, longMs, done.signal);
        if (delivery === null) continue;
        await delivery.ack();
        ended.push(idOf(delivery));
        if (ended.length === wanted) done.abort();
      }
    });
    for (let i = 0; i < wanted / 4; i++) await queue.publishTasks(taskKinds.map((kind) => anyTask(kind, `${kind}-${i}`)));
    await Promise.all(agents);
    t.is(new Set(ended).size, wanted);
    t.is(await queue.pullTask(taskKinds, 0, never), null);
  });

  test(title('a task given back comes again, after its delay, as the next attempt'), async (t) => {
    const world = await openEmpty(t);
    await world.queue.publishTasks([ingestTask('a')]);
    await (await pulled(t, world)).retry(0);
    const second = await pulled(t, world);
    t.is(second.attempt, 2);
    const since = world.now();
    await second.retry(300);
    const third = world.queue.pullTask(['ingest'], longMs, never);
    await world.elapse(300);
    t.is((await third)?.attempt, 3);
    t.true(world.now() - since >= 300);
  });

  test(title('a task nobody answers comes again after the ack wait; one that is worked on does not'), async (t) => {
    const world = await openEmpty(t);
    const { queue, elapse, ackWaitMs } = world;
    await queue.publishTasks([anyTask('ingest', 'silent'), anyTask('align', 'worked')]);
    await pulled(t, world, ['ingest']);
    const worked = await pulled(t, world, ['align']);
    for (const attempt of [2, 3]) {
      const again = queue.pullTask(['ingest'], longMs, never);
      let isBack = false;
      void again.then(() => { isBack = true; });
      while (!isBack) {
        await elapse(ackWaitMs / 4);
        t.true(await worked.working());
      }
      t.is((await again)?.attempt, attempt);
    }
    t.is(await queue.pullTask(['align'], 0, never), null);
    await worked.ack();
  });

  test(title('a late ack takes a task off the queue'), async (t) => {
    const world = await openEmpty(t);
    await world.queue.publishTasks([ingestTask('a')]);
    const late = await pulled(t, world);
    const again = world.queue.pullTask(['ingest'], longMs, never);
    await world.elapse(world.ackWaitMs);
    t.is((await again)?.attempt, 2);
    await late.ack();
    const none = world.queue.pullTask(['ingest'], 2 * world.ackWaitMs, never);
    await world.elapse(2 * world.ackWaitMs);
    t.is(await none, null);
  });

  test(title('a rejected task never comes again'), async (t) => {
    const world = await openEmpty(t);
    await world.queue.publishTasks([ingestTask('a')]);
    await (await pulled(t, world)).reject();
    const none = world.queue.pullTask(['ingest'], 2 * world.ackWaitMs, never);
    await world.elapse(2 * world.ackWaitMs);
    t.is(await none, null);
  });

  test(title('events of a scene come as they are told, in order, and no other scene\'s'), async (t) => {
    const { queue } = await openEmpty(t);
    const [all, ends] = (['all', 'ends'] as const).map((which) => {
      const events = queue.events('scene', never, which)[Symbol.asyncIterator]();
      return { events, first: events.next() };
    });
    if (all === undefined || ends === undefined) return t.fail();
    await queue.publishEvent(startedEvent('foreign', 'other'));
    const names = Array.from({ length: 40 }, (_, i) => `event-${i}`);
    for (const name of names) await queue.publishEvent(startedEvent(name));
    await queue.publishEvent({ ...startedEvent('last'), type: 'retrying', attempt: 1, error: 'away' });
    const seen = [await all.first];
    while (seen.length <= names.length) seen.push(await all.events.next());
    t.deepEqual(seen.map(({ value }) => value?.taskId), [...names, 'last']);
    t.is((await ends.first).value?.taskId, 'last');
    for (const { events } of [all, ends]) await events.return?.();
  });

  test(title('following events ends when aborted while nothing happens'), async (t) => {
    const { queue } = await openEmpty(t);
    const abort = new AbortController();
    const end = (async () => { for await (const _ of queue.events('scene', abort.signal)) t.fail('an event'); })();
    abort.abort();
    await t.notThrowsAsync(end);
  });

  test(title('purging a scene takes its waiting tasks, of every kind, and no other scene\'s'), async (t) => {
    const under = await openEmpty(t);
    await under.queue.publishTasks([...taskKinds.map((kind) => anyTask(kind, `t-${kind}`)), ingestTask('other', '/x.tif', 'scene-2')]);
    await under.queue.purgeScene('scene');
    t.is(idOf(await pulled(t, under)), 'other');
    t.deepEqual(await under.queue.depth(), { ingest: 0, align: 0, coarse: 0, stereo: 0 });
    await under.queue.publishTasks([ingestTask('t-ingest')]);
    t.is(idOf(await pulled(t, under)), 't-ingest', 'and what is published again comes');
  });

  test(title('a nudge is heard until the listener\'s signal aborts'), async (t) => {
    const { queue } = await openEmpty(t);
    const stop = new AbortController();
    let heard = 0;
    const first = new Promise<void>((resolve) => { queue.onNudge(() => { heard += 1; resolve(); }, stop.signal); });
    await queue.nudge();
    await first;
    stop.abort();
    const second = new Promise<void>((resolve) => { queue.onNudge(resolve, never); });
    await queue.nudge();
    await second;
    t.is(heard, 1);
  });

  test(title('dead letters are kept per scene, bytes and all'), async (t) => {
    const { queue } = await openEmpty(t);
    t.deepEqual(await queue.deadLetters('scene'), []);
    const letter = (taskId: string, sceneId = 'scene') =>
      ({ v: 1, sceneId, taskId, error: { code: 'c', message: 'm' }, attempts: 2, agent: 'a', at: '2026-01-01T00:00:00.000Z', task: Uint8Array.of(0, 255) }) as const;
    for (const each of [letter('1'), letter('x', 'other'), letter('2')]) await queue.publishDead(each);
    t.deepEqual((await queue.deadLetters('scene')).map(({ taskId, task }) => [taskId, ...task]), [['1', 0, 255], ['2', 0, 255]]);
  });

  test(title('agents are present with what they last told'), async (t) => {
    const { queue } = await openEmpty(t);
    t.is((await queue.agents()).size, 0);
    await queue.announceAgent('host-1', agentInfo(1));
    await queue.announceAgent('host-2', agentInfo(2));
    await queue.announceAgent('host-1', agentInfo(3));
    t.deepEqual(Object.fromEntries(await queue.agents()), { 'host-1': agentInfo(3), 'host-2': agentInfo(2) });
  });

  test(title('closing ends what waits'), async (t) => {
    const { queue } = await openEmpty(t);
    const pull = queue.pullTask(taskKinds, longMs, never);
    const following = (async () => { for await (const _ of queue.events('scene', never)) t.fail('an event'); })();
    await queue.close();
    t.is(await pull, null);
    await t.notThrowsAsync(following);
  });
}
