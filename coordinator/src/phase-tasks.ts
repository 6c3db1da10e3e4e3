// SPDX-License-Identifier: Apache-2.0
import type { Affine, HeightRange, LevelPlan, ScenePlan, Task } from '@altiplano/protocol';
import { tileTaskId, tileTaskMaker } from './make-tasks.js';
import type { TileIndex } from './tile-index.js';

/** The tasks of a phase, numbered from 0. They are made when asked for: a large scene has too many to keep. */
export interface PhaseTasks {
  readonly count: number;
  /** Throws RangeError for a number past the last. */
  taskAt(number: number): Task;
  /** -1 where the phase has no such task. */
  numberOf(taskId: string): number;
}

/** A phase of few tasks. */
export function listedTasks(tasks: readonly Task[]): PhaseTasks {
  const numbers = new Map(tasks.map(({ taskId }, number) => [taskId, number]));
  return {
    count: tasks.length,
    taskAt(number) {
      const task = tasks[number];
      if (task === undefined) throw new RangeError(`no task ${number} of ${tasks.length}`);
      return task;
    },
    numberOf: (taskId) => numbers.get(taskId) ?? -1,
  };
}

/** What a level's tasks need and the planner can't know: solved after align, and after the level above. */
export interface LevelKnowledge {
  /** By pair: true secondary position = correction applied to the RPC's. A pair without one uses the RPCs as they are. */
  readonly corrections: ReadonlyMap<string, Affine>;
  /** Height range per tile number. */
  readonly rangeOf: (tile: number) => HeightRange;
  readonly priorKey: string | null;
}

/** The tasks of a level: tile by tile in the plan's order, pair by pair. */
export function levelTasks(plan: ScenePlan, level: LevelPlan, tiles: TileIndex, known: LevelKnowledge): PhaseTasks {
  const taskOf = tileTaskMaker(plan, level, known.corrections, known.priorKey);
  const prefix = tileTaskId(level.factor, '', '').slice(0, -1);
  return {
    count: tiles.tasks,
    taskAt(number) {
      const { tile, pair } = tiles.ofTask(number);
      const planned = tiles.tileAt(tile);
      return taskOf(planned, planned.pairs[pair] ?? '', known.rangeOf(tile));
    },
    numberOf(taskId) {
      if (!taskId.startsWith(prefix)) return -1;
      const dash = taskId.indexOf('-', taskId.indexOf('y', prefix.length) + 2);
      const tile = dash < 0 ? -1 : tiles.numberOf(taskId.slice(prefix.length, dash));
      if (tile < 0) return -1;
      const { first, count } = tiles.tasksOf(tile);
      const pair = count === 0 ? -1 : tiles.tileAt(tile).pairs.indexOf(taskId.slice(dash + 1));
      return pair < 0 ? -1 : first + pair;
    },
  };
}
