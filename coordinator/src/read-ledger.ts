// SPDX-License-Identifier: Apache-2.0
import { ObjectMissingError, type TaskOutcome, ledgerKey, ledgerPrefix, taskOutcomeSchema } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';

/** The outcomes in a scene's ledger of the tasks `wanted` names (all where left out), by task id. */
export async function readLedger(store: ObjectStore, sceneId: string, wanted?: ReadonlySet<string>): Promise<Map<string, TaskOutcome>> {
  const outcomes = new Map<string, TaskOutcome>();
  const isWanted = wanted === undefined ? null : new Set([...wanted].map((taskId) => ledgerKey(sceneId, taskId)));
  for await (const key of store.list(ledgerPrefix(sceneId))) {
    if (isWanted !== null && !isWanted.has(key)) continue;
    const outcome = await readOutcome(store, key);
    if (outcome !== null && ledgerKey(sceneId, outcome.taskId) === key) outcomes.set(outcome.taskId, outcome);
  }
  return outcomes;
}

/** Null where the entry is gone or is no outcome this release can read: then the task counts as not done. */
async function readOutcome(store: ObjectStore, key: string): Promise<TaskOutcome | null> {
  try {
    const parsed = taskOutcomeSchema.safeParse(JSON.parse(new TextDecoder().decode(await store.get(key))));
    return parsed.success ? parsed.data : null;
  } catch (error) {
    if (error instanceof ObjectMissingError || error instanceof SyntaxError) return null;
    throw error;
  }
}
