// SPDX-License-Identifier: Apache-2.0
import type { TaskOutcome } from '@altiplano/protocol';

/** What is kept of a scene's outcomes: sums, and those that reports name, of a number that doesn't grow with the scene. The ledger has them all. */
export interface OutcomeTally {
  readonly tasks: number;
  /** Tasks at full resolution. */
  readonly stereoTasks: number;
  readonly cpuSeconds: number;
  /** Core seconds per kind of task (coarse levels together), and 'stereo.<stage>' within full resolution: a task's core seconds, its start included, shared out by those of its stages. */
  readonly stages: Readonly<Record<string, number>>;
  /** Rectified pixels matched at full resolution. */
  readonly matchedPixels: number;
  /** The most memory a task at full resolution was estimated to need, its agent's process included. */
  readonly largestTaskMb: number;
  /** Why tasks at full resolution are empty. */
  readonly emptyReasons: Readonly<Record<string, number>>;
  readonly clipped: Named<string>;
  readonly dead: Named<TaskOutcome>;
  /** Tasks at full resolution for a table: dead ones first, then empty ones, each by id. */
  readonly stereo: readonly TaskOutcome[];
}

/** How many there are, and the first of them by task id. */
export interface Named<T> { readonly count: number; readonly first: readonly T[] }

export interface OpenTally {
  /** Counts an outcome; each task once. */
  add(outcome: TaskOutcome): void;
  tally(): OutcomeTally;
}

/** Rows of a report's tables; a large scene's ledger has the rest. */
const mostNamed = 2000;

/** Begins a tally without outcomes. */
export function openTally(): OpenTally {
  const stages: Record<string, number> = { ingest: 0, align: 0, coarse: 0, stereo: 0 };
  const stereoStages: Record<string, number> = {};
  const emptyReasons: Record<string, number> = {};
  const clipped = firstOf((a: string, b) => (a < b ? -1 : 1));
  const dead = firstOf(byId);
  const stereo = firstOf((a: TaskOutcome, b) => rank[a.state] - rank[b.state] || byId(a, b));
  let [tasks, stereoTasks, cpu, matchedPixels, largestTaskMb] = [0, 0, 0, 0, 0];
  const addTo = (sums: Record<string, number>, name: string, value: number): void => { sums[name] = (sums[name] ?? 0) + value; };

  return {
    add(outcome) {
      const { kind, state, cpuSeconds, metrics } = outcome;
      tasks += 1;
      cpu += cpuSeconds;
      addTo(stages, kind, cpuSeconds);
      if (state === 'dead') dead.add(outcome);
      if (kind !== 'stereo') return;
      stereoTasks += 1;
      let timed = 0;
      for (const stage in outcome.stages) timed += outcome.stages[stage] ?? 0;
      for (const stage in outcome.stages) addTo(stereoStages, stage, (cpuSeconds * (outcome.stages[stage] ?? 0)) / Math.max(1e-9, timed));
      matchedPixels += metrics['matchedPixels'] ?? 0;
      largestTaskMb = Math.max(largestTaskMb, metrics['memoryMb'] ?? 0);
      if (state === 'empty') addTo(emptyReasons, outcome.reason ?? 'unknown', 1);
      if (metrics['rangeClipped'] === 1) clipped.add(outcome.taskId);
      stereo.add(outcome);
    },
    tally: () => ({
      tasks, stereoTasks, cpuSeconds: cpu, stages: { ...stages, ...Object.fromEntries(Object.entries(stereoStages).map(([stage, sum]) => [`stereo.${stage}`, sum])) }, matchedPixels, largestTaskMb, emptyReasons: { ...emptyReasons },
      clipped: clipped.named(), dead: dead.named(), stereo: stereo.named().first,
    }),
  };
}

const rank = { dead: 0, empty: 1, done: 2 } as const;
const byId = (a: TaskOutcome, b: TaskOutcome): number => (a.taskId < b.taskId ? -1 : 1);

/** Keeps the first `mostNamed` items in an order, whatever order they come in. Most of a large scene's come after all that are kept, and aren't held at all. */
function firstOf<T>(order: (a: T, b: T) => number): { add(item: T): void; named(): Named<T> } {
  let [count, items]: [number, T[]] = [0, []];
  /** The last of those that were first at the last cut. */
  let last: T | undefined;
  const cut = (): void => {
    items = items.sort(order).slice(0, mostNamed);
    last = items[mostNamed - 1];
  };
  return {
    add(item) {
      count += 1;
      if (last !== undefined && order(item, last) > 0) return;
      items.push(item);
      if (items.length >= 2 * mostNamed) cut();
    },
    named() {
      cut();
      return { count, first: [...items] };
    },
  };
}
