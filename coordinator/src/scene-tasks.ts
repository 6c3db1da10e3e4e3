// SPDX-License-Identifier: Apache-2.0
import { type ScenePlan, type Task, type TaskOutcome, type TaskRound, taskHash } from '@altiplano/protocol';
import { countAttempts, endedRounds, mapConcurrently, readOutcome } from '@altiplano/protocol/io';
import { type SceneEvent, type SceneState, openTasks } from './advance-scene.js';
import { coordinatorName } from './scene-intent.js';
import { addOrder } from './scene-orders.js';
import type { ScenePorts } from './scene-work.js';

/** A scene's tasks between plan, ledger and bus: what the ledger tells is taken, and the bus gets the rest. */
export interface SceneTasks {
  /** Publishes tasks of a phase, but those whose end in the ledger still counts: of these it tells. */
  publish(tasks: readonly Task[], phase: SceneState['tasks']): Promise<void>;
  /** Compares what is open with the ledger, tells what has ended, and publishes the others again: the bus may have lost them. */
  reconcile(state: SceneState): Promise<void>;
  /** An event without outcomes of rounds that others took the place of. */
  readonly withoutOldRounds: (event: SceneEvent) => SceneEvent;
}

export interface SceneTasksOptions {
  /** Tasks that died in an earlier run get another round. */
  readonly triesDeadAgain: boolean;
  readonly tell: (event: SceneEvent) => void;
  readonly signal: AbortSignal;
}

/** Entries of the ledger read at once. */
const ledgerReads = 32;

/** Opens the way of a scene's tasks to the bus. Outcomes found in the ledger go to `tell`. */
export function openSceneTasks({ store, queue }: Pick<ScenePorts, 'store' | 'queue'>, { sceneId }: ScenePlan, options: SceneTasksOptions): SceneTasks {
  const { triesDeadAgain, tell, signal } = options;
  let inLedger: { readonly of: SceneState['tasks']; readonly lastRounds: Int32Array; readonly tried: ReadonlySet<string> } | null = null;
  /** Rounds this run asked for, of tasks whose last one doesn't count any more. */
  const askedAgain = new Map<string, number>();
  const roundOf = (task: Task): TaskRound =>
    ({ taskId: task.taskId, taskHash: taskHash(task), round: Math.max(task.round, askedAgain.get(task.taskId) ?? 0) });
  const inRounds = (tasks: readonly Task[]): Task[] => tasks.map((task) => {
    const round = askedAgain.get(task.taskId);
    return round === undefined ? task : { ...task, round };
  });

  /** The last round that each task of a phase ended in; -1: none. */
  async function lastRoundsOf(phase: SceneState['tasks']): Promise<Int32Array> {
    const rounds = new Int32Array(phase.count).fill(-1);
    for await (const { taskId, round } of endedRounds(store, sceneId)) {
      const number = phase.numberOf(taskId);
      if (number >= 0) rounds[number] = Math.max(rounds[number] ?? -1, round);
    }
    return rounds;
  }

  /** Tasks with attempts that did not end them. */
  async function triedTasks(): Promise<ReadonlySet<string>> {
    return new Set((await countAttempts(store, sceneId)).map(({ of }) => of.taskId));
  }

  /** Whether an earlier run's outcome isn't worth another round: its result is still there, or it is to stay dead. */
  async function stillCounts({ state, outKey }: TaskOutcome): Promise<boolean> {
    if (state === 'dead') return !triesDeadAgain;
    return state === 'empty' || (outKey !== undefined && store.has(outKey));
  }

  return {
    async publish(tasks, phase) {
      // Two listings per phase: on a new scene they are all the ledger costs.
      if (inLedger?.of !== phase) inLedger = { of: phase, lastRounds: await lastRoundsOf(phase), tried: await triedTasks() };
      const { lastRounds, tried } = inLedger;
      const ended: TaskOutcome[] = [];
      const again: string[] = [];
      await mapConcurrently(tasks, ledgerReads, async (task) => {
        const round = lastRounds[phase.numberOf(task.taskId)] ?? -1;
        if (round < roundOf(task).round) return;
        const outcome = await readOutcome(store, sceneId, { ...roundOf(task), round });
        if (outcome === null) return;
        if (await stillCounts(outcome)) ended.push(outcome);
        else again.push(task.taskId);
      });
      if (again.length > 0) {
        const { number } = await addOrder(store, { type: 'replay', sceneId, at: new Date().toISOString(), by: coordinatorName, taskIds: again, set: {} });
        for (const taskId of again) askedAgain.set(taskId, number);
      }
      if (ended.length > 0) tell({ type: 'tasksEnded', outcomes: ended });
      const hasEnded = new Set(ended.map(({ taskId }) => taskId));
      const open = inRounds(tasks.filter(({ taskId }) => !hasEnded.has(taskId)));
      await queue.publishTasks(open.filter(({ taskId }) => !tried.has(taskId)), { signal });
      await queue.publishTasks(open.filter(({ taskId }) => tried.has(taskId)), { signal, mayHaveAttempts: true });
    },
    async reconcile(state) {
      const isOpen = new Map([...openTasks(state)].map((task) => [task.taskId, task]));
      if (isOpen.size === 0) return;
      const found = new Map<string, TaskOutcome>();
      const ended: TaskRound[] = [];
      for await (const entry of endedRounds(store, sceneId)) {
        const task = isOpen.get(entry.taskId);
        const open = task === undefined ? null : roundOf(task);
        if (open !== null && entry.taskHash === open.taskHash && entry.round >= open.round) ended.push(entry);
      }
      await mapConcurrently(ended, ledgerReads, async (entry) => {
        const outcome = await readOutcome(store, sceneId, entry);
        if (outcome) found.set(entry.taskId, outcome);
      });
      if (found.size > 0) tell({ type: 'tasksEnded', outcomes: [...found.values()] });
      await queue.publishTasks(inRounds([...isOpen.values()].filter(({ taskId }) => !found.has(taskId))), { signal, mayHaveAttempts: true });
    },
    withoutOldRounds: (event) => (event.type !== 'tasksEnded' || askedAgain.size === 0 ? event
      : { ...event, outcomes: event.outcomes.filter(({ taskId, round }) => round >= (askedAgain.get(taskId) ?? 0)) }),
  };
}
