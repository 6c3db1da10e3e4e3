// SPDX-License-Identifier: Apache-2.0
// A process that coordinates one scene: the real planner, state machine, queue and store; only the merging and solving are stubs.
import { runScene } from '@altiplano/coordinator';
import type { Task } from '@altiplano/protocol';
import { openNatsQueue, openStore } from '@altiplano/protocol/io';
import { flatPlan } from './flat-plan.js';
import { openLatencies } from './latencies.js';
import { cpuSeconds, whenParentEnds } from './process-figures.js';
import { stubWork } from './stub-work.js';

export interface CoordinatorOrder {
  readonly nats: string;
  readonly store: string;
  readonly workDir: string;
  readonly tiles: number;
  readonly taskMs: number;
  /** Tasks published ahead of those that ended; null: as the program has it. */
  readonly ahead: number | null;
}

export interface Quantiles { readonly p50: number; readonly p90: number; readonly p99: number }

export type CoordinatorReply =
  /** The first task at full resolution is published: from here on is measured. */
  | { readonly is: 'steady' }
  | {
    readonly is: 'ended'; readonly state: string; readonly failure: string | null; readonly tiles: number; readonly tasks: number;
    readonly planSeconds: number; readonly planBytes: number; readonly planRssBytes: number;
    /** From the start of the run to the first task published, and to the first ended. */
    readonly firstPublishedMs: number; readonly firstEndedMs: number;
    /** At full resolution. */
    readonly seconds: number; readonly cpuSeconds: number;
    /** Resident bytes at the end of that, and the most ever; heap and buffers after a collection where node exposes one. */
    readonly rssBytes: number; readonly peakRssBytes: number; readonly liveBytes: number;
    /** Milliseconds. `run`: beyond the task's own time. */
    readonly latencies: Readonly<Record<'wait' | 'run' | 'tell' | 'all', Quantiles>>;
  };

const order: CoordinatorOrder = JSON.parse(process.argv[2] ?? '');
const reply = (message: CoordinatorReply): void => { process.send?.(message); };
const interrupted = new AbortController();
whenParentEnds();

const planBegun = cpuSeconds();
const plan = flatPlan(`bus-${order.tiles}`, order.tiles);
const planSeconds = cpuSeconds() - planBegun;
const planRssBytes = process.memoryUsage.rss();

const store = await openStore(order.store);
const queue = await openNatsQueue({ servers: order.nats, name: 'coordinator' });
await queue.ensure();

const [wait, run, tell, all] = [openLatencies(), openLatencies(), openLatencies(), openLatencies()];
const publishedAt = new Map<string, number>();
const begun = Date.now();
let [firstPublished, firstEnded, stereoBegun, stereoCpu, ended] = [NaN, NaN, NaN, 0, 0];

function* noted(tasks: Iterable<Task>): Generator<Task> {
  for (const task of tasks) {
    const now = Date.now();
    if (Number.isNaN(firstPublished)) firstPublished = now;
    if (task.kind === 'stereo') {
      if (Number.isNaN(stereoBegun)) {
        [stereoBegun, stereoCpu] = [now, cpuSeconds()];
        reply({ is: 'steady' });
      }
      publishedAt.set(task.taskId, now);
    }
    yield task;
  }
}

const watched: typeof queue = {
  ...queue,
  publishTasks: (tasks, options) => queue.publishTasks(noted(tasks), options),
  async *events(sceneId, signal, which) {
    for await (const event of queue.events(sceneId, signal, which)) {
      if (event.type === 'ended') {
        const now = Date.now();
        if (Number.isNaN(firstEnded)) firstEnded = now;
        const published = publishedAt.get(event.taskId);
        if (published !== undefined) {
          publishedAt.delete(event.taskId);
          ended += 1;
          const [startedAt, toldAt] = [Date.parse(event.outcome.startedAt), Date.parse(event.at)];
          wait.add(startedAt - published);
          run.add(toldAt - startedAt - order.taskMs);
          tell.add(now - toldAt);
          all.add(now - published);
        }
      }
      yield event;
    }
  },
};

const result = await runScene({
  store, queue: watched, work: stubWork, now: () => performance.now(), cpuSeconds,
}, plan, {
  outDir: order.workDir, workDir: order.workDir, ...(order.ahead !== null && { ahead: order.ahead }),
}, interrupted.signal);

const seconds = (Date.now() - stereoBegun) / 1000;
const spent = cpuSeconds() - stereoCpu;
const rssBytes = process.memoryUsage.rss();
globalThis.gc?.();
const { heapUsed, external } = process.memoryUsage();
const quantiles = (of: ReturnType<typeof openLatencies>): Quantiles => ({ p50: of.quantile(0.5), p90: of.quantile(0.9), p99: of.quantile(0.99) });
reply({
  is: 'ended', state: result.state, failure: result.failure, tiles: result.tiles.done, tasks: ended, planSeconds, planBytes: JSON.stringify(plan).length, planRssBytes,
  firstPublishedMs: firstPublished - begun, firstEndedMs: firstEnded - begun, seconds, cpuSeconds: spent,
  rssBytes, peakRssBytes: process.resourceUsage().maxRSS * 1024, liveBytes: heapUsed + external,
  latencies: { wait: quantiles(wait), run: quantiles(run), tell: quantiles(tell), all: quantiles(all) },
});
await queue.close();
await store.close();
process.disconnect();
