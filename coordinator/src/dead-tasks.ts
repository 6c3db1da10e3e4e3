// SPDX-License-Identifier: Apache-2.0
import type { SceneStatus } from '@altiplano/protocol';

/** How many tasks of each kind are dead. A scene with any is partial at best: what they would have found is missing, and a replay mends it. */
export type DeadTasks = SceneStatus['deadTasks'];

export const noDeadTasks: DeadTasks = { ingest: 0, align: 0, coarse: 0, stereo: 0 };

export const isAnyDead = (dead: DeadTasks): boolean => Object.values(dead).some((count) => count > 0);

/** What dead tasks mean for the DSM, a sentence for each kind there is. */
export function deadTaskTexts({ ingest, align, coarse, stereo }: DeadTasks): string[] {
  const dead = (count: number, what: string): string => `${count} ${what} ${count === 1 ? 'task is' : 'tasks are'} dead`;
  return [
    ...(ingest === 0 ? [] : [`${dead(ingest, 'ingest')}: without all of its images a scene can't be made`]),
    ...(align === 0 ? [] : [`${dead(align, 'align')}: pointing rests on fewer windows than planned, and may be off by fractions of a pixel`]),
    ...(coarse === 0 ? [] : [`${dead(coarse, 'coarse')}: tiles there were searched between the heights around them, and may miss what stands out of these`]),
    ...(stereo === 0 ? [] : [`${dead(stereo, 'stereo')}: their tiles have no heights of these pairs`]),
  ];
}
