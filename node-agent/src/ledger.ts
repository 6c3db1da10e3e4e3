// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { ObjectMissingError, ServiceUnavailableError, type TaskOutcome, ledgerKey, taskOutcomeSchema } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';

/** The ledger's entry of a task; null where there is none, or none this release can read: then the task counts as not done. */
export async function readOutcome(store: ObjectStore, sceneId: string, taskId: string): Promise<TaskOutcome | null> {
  // Nearly always there is none yet, and looking is cheaper than failing to read.
  if (!(await store.has(ledgerKey(sceneId, taskId)))) return null;
  try {
    const parsed = taskOutcomeSchema.safeParse(JSON.parse(Buffer.from(await store.get(ledgerKey(sceneId, taskId))).toString()));
    return parsed.success ? parsed.data : null;
  } catch (error) {
    if (error instanceof ObjectMissingError || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** An entry that a power failure takes costs one repeat, which finds the same; so nobody waits for the disk. */
export async function writeOutcome(store: ObjectStore, outcome: TaskOutcome): Promise<void> {
  await store.put(ledgerKey(outcome.sceneId, outcome.taskId), Buffer.from(JSON.stringify(outcome)), { isRepeatable: true });
}

const pausesMs = [100, 500, 2_000, 10_000] as const;

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
