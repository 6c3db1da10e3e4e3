// SPDX-License-Identifier: Apache-2.0
import { ObjectMissingError, type TaskOutcome, ledgerKey, ledgerPrefix, taskOutcomeSchema } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';

const suffix = ledgerKey('', '').slice(ledgerPrefix('').length);

/** The ids of the tasks that a scene's ledger has an entry of. */
export async function* ledgerTaskIds(store: Pick<ObjectStore, 'list'>, sceneId: string): AsyncGenerator<string> {
  const prefix = ledgerPrefix(sceneId);
  for await (const key of store.list(prefix)) if (key.endsWith(suffix)) yield key.slice(prefix.length, -suffix.length);
}

/** A task's entry in the ledger; null where it is gone or is no outcome this release can read: then the task counts as not done. */
export async function readOutcome(store: Pick<ObjectStore, 'get'>, sceneId: string, taskId: string): Promise<TaskOutcome | null> {
  try {
    const parsed = taskOutcomeSchema.safeParse(JSON.parse(new TextDecoder().decode(await store.get(ledgerKey(sceneId, taskId)))));
    return parsed.success && parsed.data.taskId === taskId ? parsed.data : null;
  } catch (error) {
    if (error instanceof ObjectMissingError || error instanceof SyntaxError) return null;
    throw error;
  }
}
