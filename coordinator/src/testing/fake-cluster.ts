// SPDX-License-Identifier: Apache-2.0
import { type Task, type TaskEvent, type TaskOutcome, identityAffine, ledgerKey, priorKey } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import type { ScenePorts, SceneWork } from '../scene-work.js';
import { tileCount, tilesOf } from '../tile-index.js';
import { outcomeOf } from './outcome.js';

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

export interface FakeClusterOptions {
  readonly endOf?: (task: Task) => TaskOutcome['state'];
  /** Picks one of `count` waiting tasks; with `losesEvent` this is all the disorder there is. */
  readonly pick?: (count: number) => number;
  readonly losesEvent?: (task: Task) => boolean;
  readonly losesTask?: (task: Task) => boolean;
  readonly eventCopies?: () => number;
  /** Fails at the first attempt. */
  readonly retries?: (task: Task) => boolean;
}

/** A bus with agents on it that write ledger entries into `store`, in any order, losing and doubling as told. */
export function fakeQueue(store: ObjectStore, options: FakeClusterOptions = {}) {
  const { endOf = () => 'done', pick = () => 0, losesEvent = () => false, losesTask = () => false, eventCopies = () => 1, retries = () => false } = options;
  const waiting: Task[] = [];
  const events: TaskEvent[] = [];
  const published: string[] = [];
  const lost = new Set<string>();
  let wake = (): void => undefined;
  let working = false;

  async function work(): Promise<void> {
    if (working) return;
    working = true;
    while (waiting.length > 0) {
      const [task] = waiting.splice(pick(waiting.length), 1);
      if (!task) break;
      const outcome = outcomeOf(task, endOf(task));
      if (outcome.state === 'done') await store.putIfAbsent(task.outKey, task.kind === 'align' ? encode({ matches: [[1, 2, 3, 4, 0.9]] }) : encode('pixels'));
      await store.putIfAbsent(ledgerKey(task.sceneId, outcome), encode(outcome));
      if (losesEvent(task)) continue;
      const told = { v: 1, sceneId: task.sceneId, taskId: task.taskId, kind: task.kind, agent: 'test', at: outcome.startedAt } as const;
      if (retries(task)) events.push({ ...told, type: 'retrying', attempt: 1, error: 'the store is away' });
      const event: TaskEvent = { ...told, type: 'ended', outcome };
      for (let i = 0; i < eventCopies(); i += 1) events.push(event);
      wake();
    }
    working = false;
  }

  const queue: ScenePorts['queue'] = {
    async publishTasks(tasks) {
      for (const task of tasks) {
        published.push(task.taskId);
        // What is lost is lost once.
        if (losesTask(task) && !lost.has(task.taskId)) lost.add(task.taskId);
        else waiting.push(task);
      }
      void work();
    },
    onReconnect() { /* nothing is lost but what the options say */ },
    async *events(_sceneId, signal) {
      signal.addEventListener('abort', () => { wake(); }, { once: true });
      for (let next = 0; !signal.aborted;) {
        const event = events[next];
        if (event) {
          next += 1;
          yield event;
        } else {
          await new Promise<void>((resolve) => { wake = resolve; });
        }
      }
    },
  };
  return { queue, published };
}

/** A coordinator's computing without pixels: it records what it was asked for. */
export function fakeWork(calls: string[] = []): SceneWork {
  return {
    solvePointing: (_plan, pair, matches) => {
      calls.push(`solve ${pair.id} ${matches.length}`);
      return { pairId: pair.id, model: matches.length > 1 ? 'shift' : 'none', reason: matches.length > 1 ? null : `${matches.length} match`, correction: identityAffine, rmsPx: 0.1, medianPx: 0.5, medianAfterPx: 0.1, inliers: matches.length, matches: matches.length, correctionPx: 1 };
    },
    openMerge: ({ level, partials, isDead, path, store, plan }) => {
      const merged = new Map<string, string>();
      return {
        mergeTile: async (id) => { merged.set(id, `${partials(id).map(({ outKey }) => outKey).join('+')}${isDead?.(id) === true ? ' dead' : ''}`); },
        finish: async () => {
          const order = [...tilesOf(level)].map(({ id }) => `${id}=${merged.get(id)}`);
          calls.push(`merged ${level.factor} ${order.join(' ')}`);
          await store.put(`scenes/${plan.sceneId}/${path.split('/').at(-1)}`, encode('dsm'));
          const core = [...tilesOf(level)][0]?.core;
          return { path, cellsPath: null, emptyReasons: new Uint8Array(), grid: core ?? { originE: 0, originN: 0, resolution: 1, width: 1, height: 1 }, validCells: 1, minHeight: 10, maxHeight: 90, rect: null, typicalHeights: [10, 50, 90] };
        },
        abandon: async () => { calls.push(`abandoned ${level.factor}`); },
      };
    },
    makePrior: async ({ plan, factor, level }) => ({ key: priorKey(plan.sceneId, factor, 'hash'), ranges: Float64Array.from({ length: 2 * tileCount(level) }, (_, i) => (i % 2 === 0 ? 20 : 40)) }),
    publishProducts: async ({ tally }) => {
      calls.push(`published ${tally.tasks}`);
      return { dsm: '/out/dsm.tif' };
    },
  };
}
