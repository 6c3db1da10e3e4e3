// SPDX-License-Identifier: Apache-2.0
import { InputError, type ScenePlan } from '@altiplano/protocol';
import { type ObjectStore, deadOutcomes, endedRounds } from '@altiplano/protocol/io';
import { tileTaskId } from './make-tasks.js';
import { readOrders } from './scene-orders.js';
import { parseSettings } from './stereo-settings.js';
import { changedParams, taskOrders } from './task-orders.js';
import { openTileIndex } from './tile-index.js';

/** The tasks of tiles at full resolution, of all their pairs or of one. Throws InputError for a tile or pair the plan doesn't have. */
export function tasksOfTiles(plan: ScenePlan, tileIds: readonly string[], pairId: string | null): string[] {
  const level = plan.levels.at(-1);
  if (level === undefined) throw new InputError(`scene ${plan.sceneId}: its plan has no levels`);
  if (pairId !== null && !plan.pairs.some(({ id }) => id === pairId)) {
    throw new InputError(`--pair ${pairId}: scene ${plan.sceneId} has the pairs ${plan.pairs.map(({ id }) => id).join(', ')}`);
  }
  const tiles = openTileIndex(level);
  return [...new Set(tileIds)].flatMap((id) => {
    const number = tiles.numberOf(id);
    if (number < 0) throw new InputError(`--tile ${id}: not a tile of scene ${plan.sceneId}; altiplano tiles --scene ${plan.sceneId} lists them`);
    const pairs = tiles.tileAt(number).pairs.filter((pair) => pairId === null || pair === pairId);
    if (pairs.length === 0) throw new InputError(`--pair ${pairId ?? ''}: doesn't see tile ${id}, which has ${tiles.tileAt(number).pairs.join(', ')}`);
    return pairs.map((pair) => tileTaskId(level.factor, id, pair));
  });
}

/** The tasks, of whatever kind and level, whose last round ended as dead and that nobody has asked for again; by id. */
export async function deadTasks(store: Pick<ObjectStore, 'get' | 'list'>, sceneId: string): Promise<string[]> {
  const asked = taskOrders(await readOrders(store, sceneId));
  const dead = new Map<string, number>();
  for await (const { taskId, round } of deadOutcomes(store, sceneId)) dead.set(taskId, Math.max(round, dead.get(taskId) ?? 0));
  if (dead.size === 0) return [];
  for await (const { taskId, round } of endedRounds(store, sceneId)) if (round > (dead.get(taskId) ?? Infinity)) dead.delete(taskId);
  return [...dead].filter(([taskId, round]) => (asked.get(taskId)?.round ?? 0) <= round).map(([taskId]) => taskId).sort();
}

/** Parameters as `--set` gives them. Throws InputError for one that isn't, or that the scene can't have. */
export function replayParams(plan: ScenePlan, settings: readonly string[]): Record<string, number> {
  const set = parseSettings(settings);
  changedParams(plan.request.params, set);
  return set;
}
