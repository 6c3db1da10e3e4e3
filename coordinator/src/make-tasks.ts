// SPDX-License-Identifier: Apache-2.0
import {
  type Affine, type AlignTask, type HeightRange, type IngestTask, InputError, type LevelPlan, type PairPlan, type ScenePlan, type StereoTask,
  type TaskImage, type TilePlan, alignKey, identityAffine, partialKey, withOutKey,
} from '@altiplano/protocol';
import { disparitiesFor } from './estimate.js';
import { withHalo } from './ground-tiles.js';
import { leastSidePx } from './plan-levels.js';

const ingestTaskId = (index: number): string => `ingest-${index}`;
const alignTaskId = (windowId: string): string => `align-${windowId}`;
/** The id of a tile's task at a level: stereo-<tile>-<pair>, coarse<factor>-<tile>-<pair>. */
export const tileTaskId = (factor: number, tileId: string, pairId: string): string =>
  `${factor === 1 ? 'stereo' : `coarse${factor}`}-${tileId}-${pairId}`;

/** One task per image that some pair uses. */
export function ingestTasks(plan: ScenePlan): IngestTask[] {
  return plan.images
    .filter(({ index }) => plan.pairs.some(({ ref, sec }) => ref === index || sec === index))
    .map(({ index, source, band, mask, key }) => ({
      v: 1, sceneId: plan.sceneId, kind: 'ingest', taskId: ingestTaskId(index), round: 0, source, band, mask, outKey: key,
    }));
}

/** One task per align window, over the whole height domain. */
export function alignTasks(plan: ScenePlan): AlignTask[] {
  return plan.alignWindows.map(({ id, pair: pairId, box }) => {
    const pair = pairOf(plan, pairId);
    const task = {
      v: 1, sceneId: plan.sceneId, kind: 'align', taskId: alignTaskId(id), round: 0, pairId, windowId: id, crs: plan.crs, box,
      heightRange: [...plan.heightDomain], ref: taskImage(plan, pair.ref), sec: taskImage(plan, pair.sec),
      factor: alignFactor(plan, pair), params: plan.request.params,
    } satisfies Omit<AlignTask, 'outKey'>;
    return withOutKey(task, (hash) => alignKey(plan.sceneId, pairId, id, hash));
  });
}

/** Makes the tasks of one tile and pair after the other at one level. They share what is the same in all of them. */
export function tileTaskMaker(plan: ScenePlan, level: LevelPlan, corrections: ReadonlyMap<string, Affine>, priorKey: string | null):
(tile: TilePlan, pairId: string, heightRange: HeightRange) => StereoTask {
  const params = { ...plan.request.params, maxDisparities: level.maxDisparities };
  const byPair = new Map(plan.pairs.map((pair) => [pair.id, {
    ref: taskImage(plan, pair.ref), sec: taskImage(plan, pair.sec), correction: corrections.get(pair.id) ?? identityAffine,
  }]));
  return (tile, pairId, heightRange) => {
    const images = byPair.get(pairId);
    if (!images) throw new InputError(`plan of ${plan.sceneId}: no pair ${pairId}`);
    const task = {
      v: 1, sceneId: plan.sceneId, kind: level.factor === 1 ? 'stereo' : 'coarse', taskId: tileTaskId(level.factor, tile.id, pairId), round: 0,
      factor: level.factor, pairId, tileId: tile.id, crs: plan.crs,
      grid: withHalo(tile.core, level.haloCells), haloCells: level.haloCells, heightRange: [...heightRange], priorKey, ...images,
      params, memoryBudgetMb: plan.request.memoryBudgetMb,
    } satisfies Omit<StereoTask, 'outKey'>;
    return withOutKey(task, (hash) => partialKey(plan.sceneId, level.factor, tile.id, pairId, hash));
  };
}

/** A pair of the plan by its id. Throws InputError where it has none of that name. */
export function pairOf(plan: ScenePlan, pairId: string): PairPlan {
  const pair = plan.pairs.find(({ id }) => id === pairId);
  if (!pair) throw new InputError(`plan of ${plan.sceneId}: no pair ${pairId}`);
  return pair;
}

function taskImage(plan: ScenePlan, index: number): TaskImage {
  const image = plan.images[index];
  if (!image) throw new InputError(`plan of ${plan.sceneId}: no image ${index}`);
  return { key: image.key, width: image.width, height: image.height, rpc: image.rpc };
}

/** The wide search runs where the whole height domain is at most 256 reduced pixels long, on a reduced image that exists. */
function alignFactor(plan: ScenePlan, pair: PairPlan): number {
  const gsdM = plan.images[pair.ref]?.gsdM ?? 1;
  const disparities = disparitiesFor(plan.heightDomain[1] - plan.heightDomain[0], pair.baseToHeight, gsdM);
  const smallestSide = Math.min(...[pair.ref, pair.sec].flatMap((index) => [plan.images[index]?.width ?? 0, plan.images[index]?.height ?? 0]));
  let factor = [4, 8].find((wide) => disparities / wide <= 256) ?? 16;
  while (factor > 1 && Math.ceil(smallestSide / factor) < leastSidePx) factor /= 2;
  return factor;
}
