// SPDX-License-Identifier: Apache-2.0
import { isAnyDead } from '../dead-tasks.js';
import { isEndPhase } from './scene-phase.js';
import type { CoordinatorView, SceneDetails } from './read-cluster.js';
import { age } from './text-table.js';
import type { TileRow } from './tile-rows.js';

export interface ClusterFacts {
  readonly scene: SceneDetails;
  readonly coordinator: CoordinatorView | null;
  /** Agents present; null where the bus doesn't answer. */
  readonly agents: number | null;
  /** Tasks waiting on the bus, of all scenes; null likewise. */
  readonly waiting: number | null;
  /** Tasks of the scene that failed and will be tried again. */
  readonly retrying: readonly TileRow[];
  readonly now: Date;
}

/** Without a sign of life for this long a coordinator is missed: well past what a stand-by waits before it takes over. */
const quietCoordinatorSeconds = 20;
/** Long enough for the longest tile. */
const quietSceneSeconds = 600;

/** What keeps a scene from going on, in sentences that say what to do; none where all is well. Ages compare clocks of different machines, so they are rough. */
export function diagnose({ scene, coordinator, agents, waiting, retrying, now }: ClusterFacts): string[] {
  const { sceneId, state, status } = scene;
  const again = status !== null && isAnyDead(status.deadTasks) ? `replay --scene ${sceneId} --dead` : `resume --scene ${sceneId}`;
  if (state === 'failed') return [`failed: ${status?.failure ?? 'no reason was written'}; mend it, then altiplano ${again}`];
  if (state === 'partial') {
    return [`altiplano tiles --scene ${sceneId} --state dead says why tasks are dead, altiplano replay --scene ${sceneId} --dead tries them again, and then all that rests on them`];
  }
  if (isEndPhase(state)) return [];
  const secondsSince = (at: string): number => (now.getTime() - Date.parse(at)) / 1000;
  const found: string[] = [];
  if (coordinator === null) found.push('no coordinator has run on this store; start one: altiplano coordinator');
  else if (coordinator.beat?.released === true) found.push(`coordinator ${coordinator.lease.coordinator} stopped, and none took over; start one: altiplano coordinator`);
  else if (secondsSince(coordinator.beat?.at ?? coordinator.lease.at) > quietCoordinatorSeconds) {
    found.push(`coordinator ${coordinator.lease.coordinator} (${coordinator.lease.host}) gave no sign of life for ${
      age(secondsSince(coordinator.beat?.at ?? coordinator.lease.at))}, and none took over; see its log`);
  }
  if (agents === null) found.push('the bus does not answer; --nats URL says where it is');
  else if (agents === 0) found.push(`no agent is there${waiting ? `, and ${waiting} tasks wait` : ''}; start some: altiplano agent`);
  for (const [code, rows] of groups(retrying, ({ code }) => code ?? 'unknown')) {
    found.push(`${rows.length} ${rows.length === 1 ? 'task is' : 'tasks are'} tried again after ${code}: ${rows[0]?.message ?? ''}`);
  }
  if (found.length === 0 && status !== null && state !== 'waiting' && secondsSince(status.updatedAt) > quietSceneSeconds) {
    const its = coordinator === null ? '' : `, the log of coordinator ${coordinator.lease.coordinator} (${coordinator.lease.host}) whether it reaches the bus`;
    found.push(`nothing has happened for ${age(secondsSince(status.updatedAt))}; altiplano agents says what agents hold${its}`);
  }
  return found;
}

function groups<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const byKey = new Map<string, T[]>();
  for (const item of items) byKey.set(keyOf(item), [...byKey.get(keyOf(item)) ?? [], item]);
  return byKey;
}
