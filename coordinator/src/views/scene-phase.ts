// SPDX-License-Identifier: Apache-2.0
import type { SceneStatus } from '@altiplano/protocol';
import type { PhaseProgress } from '../progress.js';
import type { SceneState } from './read-cluster.js';

/** The exit code that a scene's end is told by; as `altiplano run` does. */
export const exitCodes = { done: 0, failed: 1, cancelled: 1, partial: 3 } as const;

export type EndPhase = keyof typeof exitCodes;

export const isEndPhase = (state: SceneState): state is EndPhase => state in exitCodes;

/** How far the phase a scene is in has come; null where there is nothing to count. */
export function statusProgress({ phase, level, tasks }: Pick<SceneStatus, 'phase' | 'level' | 'tasks'>): PhaseProgress | null {
  if (phase !== 'ingest' && phase !== 'align' && phase !== 'tiles') return null;
  return {
    label: phase === 'tiles' ? levelName(level) : phase, ended: tasks.done + tasks.empty + tasks.dead, total: tasks.total, empty: tasks.empty, dead: tasks.dead, mpx: null,
  };
}

/** A phase in words: 'stereo 118/240', 'merging coarse 1/4', 'done'. */
export function phaseText(state: SceneState, status: SceneStatus | null): string {
  if (status === null || state === 'waiting') return 'waiting';
  const progress = statusProgress(status);
  if (progress !== null) return `${progress.label} ${progress.ended}/${progress.total}`;
  return state === 'merging' || state === 'ranging' ? `${state} ${levelName(status.level)}` : state;
}

/** A level's tasks by its reduction; null counts as full resolution. */
export const levelName = (level: number | null): string => (level === null || level === 1 ? 'stereo' : `coarse 1/${level}`);
