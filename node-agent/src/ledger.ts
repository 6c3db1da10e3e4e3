// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { MalformedMessageError, ObjectMissingError, ServiceUnavailableError, type TaskOutcome, ledgerKey, taskOutcomeSchema } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';

/** The ledger's entry of a task, or null where there is none. Throws MalformedMessageError for one that can't be read. */
export async function readOutcome(store: ObjectStore, sceneId: string, taskId: string): Promise<TaskOutcome | null> {
  const key = ledgerKey(sceneId, taskId);
  let bytes: Uint8Array;
  try {
    bytes = await store.get(key);
  } catch (error) {
    if (error instanceof ObjectMissingError) return null;
    throw error;
  }
  try {
    return taskOutcomeSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch (cause) {
    throw new MalformedMessageError(`ledger entry ${key} can't be read; delete it to run the task again`, cause);
  }
}

export async function writeOutcome(store: ObjectStore, outcome: TaskOutcome): Promise<void> {
  await store.put(ledgerKey(outcome.sceneId, outcome.taskId), Buffer.from(JSON.stringify(outcome)));
}

const pausesMs = [500, 2_000, 10_000] as const;

/**
 * Repeats a call while its service is away, until the signal aborts. The task stays in hand meanwhile: giving
 * it back would use up its attempts on something that isn't its fault.
 */
export async function waitOut<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let i = 0; ; i++) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ServiceUnavailableError)) throw error;
      signal.throwIfAborted();
      await delay(pausesMs[Math.min(i, pausesMs.length - 1)], undefined, { signal });
    }
  }
}
