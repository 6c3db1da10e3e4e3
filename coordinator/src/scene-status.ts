// SPDX-License-Identifier: Apache-2.0
import { type ScenePlan, type SceneStatus, statusKey } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import { type SceneState, endedTasks, levelOf } from './advance-scene.js';
import { noDeadTasks } from './dead-tasks.js';
import { type LastWarnings, openLastWarnings } from './last-warnings.js';
import { messageOf } from './message-of.js';
import { tileCount } from './tile-index.js';

/** What a status tells beside the state of the scene's tasks. */
export type StatusFrame = Pick<SceneStatus, 'sceneId' | 'epoch' | 'coordinator' | 'order' | 'startedAt' | 'products'>;

const none = { done: 0, empty: 0, dead: 0 };

/** The status of a scene nobody has worked on yet, or whose plan can't be read. */
export function emptyStatus(frame: StatusFrame, plan: ScenePlan | null, phase: SceneStatus['phase'], now: Date): SceneStatus {
  const full = plan?.levels.at(-1);
  return {
    v: 1, ...frame, phase, level: null, updatedAt: now.toISOString(), tasks: { total: 0, published: 0, ...none },
    tiles: { planned: full === undefined ? 0 : tileCount(full), ...none }, deadTasks: noDeadTasks, failure: null, ...openLastWarnings(plan?.warnings ?? []).told(),
  };
}

/** The status of a scene that is worked on. */
export function statusOf(frame: StatusFrame, state: SceneState, warnings: LastWarnings, now: Date): SceneStatus {
  const isTiled = state.phase === 'tiles' || state.phase === 'merging' || state.phase === 'ranging';
  return {
    ...emptyStatus(frame, state.plan, state.phase, now),
    level: isTiled ? levelOf(state).factor : null,
    tasks: { total: state.tasks.count, published: Math.max(state.published, endedTasks(state)), ...state.endCounts },
    tiles: { ...emptyStatus(frame, state.plan, state.phase, now).tiles, ...(state.levelIndex === state.plan.levels.length - 1 ? state.tileCounts : none) },
    deadTasks: state.deadTasks, failure: state.failure, ...warnings.told(),
  };
}

export interface StatusWriter {
  /** Writes a status soon, of those given meanwhile the last. */
  readonly show: (status: SceneStatus) => void;
  /** Writes the last status there will be. Throws where it can't. */
  end(status: SceneStatus): Promise<void>;
  /** Writes nothing any more. */
  close(): Promise<void>;
}

const pauseMs = 2_000;

/** Writes a scene's status under its epoch's key, at most every two seconds. */
export function openStatusWriter(store: Pick<ObjectStore, 'put'>, onProblem: (message: string) => void): StatusWriter {
  let waiting: SceneStatus | null = null;
  let timer: NodeJS.Timeout | null = null;
  let writing = Promise.resolve();
  let isClosed = false;
  const put = (status: SceneStatus): Promise<void> =>
    store.put(statusKey(status.sceneId, status.epoch), new TextEncoder().encode(JSON.stringify(status)), { isRepeatable: true });
  const write = (): void => {
    timer = null;
    if (waiting === null) return;
    const status = waiting;
    waiting = null;
    writing = put(status).catch((error: unknown) => { onProblem(`status of ${status.sceneId}: ${messageOf(error)}`); });
    timer = setTimeout(write, pauseMs);
  };
  const close = (): Promise<void> => {
    isClosed = true;
    if (timer !== null) clearTimeout(timer);
    waiting = null;
    return writing;
  };
  return {
    show(status) {
      if (isClosed) return;
      waiting = status;
      if (timer === null) write();
    },
    async end(status) {
      await close();
      await put(status);
    },
    close,
  };
}
