// SPDX-License-Identifier: Apache-2.0
import { type SceneOrder, type ScenePlan, catalogKey } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import { giveOrder, orderedBy } from './give-order.js';
import { keepPlan } from './run-scene.js';

/**
 * Puts a plan into the store with the order to run it. The same plan again is the same scene, and gets another order.
 * Throws InputError where the store has another plan under this scene id.
 */
export async function submitScene(store: ObjectStore, plan: ScenePlan, { keepIntermediates }: { readonly keepIntermediates: boolean }): Promise<SceneOrder> {
  await keepPlan({ store }, plan);
  const [at, by] = [new Date().toISOString(), orderedBy()];
  const entry = { v: 1, sceneId: plan.sceneId, submittedAt: at, by, images: plan.images.map(({ source }) => source) };
  await store.putIfAbsent(catalogKey(plan.sceneId), new TextEncoder().encode(JSON.stringify(entry)));
  return giveOrder(store, { type: 'run', sceneId: plan.sceneId, at, by, keepIntermediates });
}
