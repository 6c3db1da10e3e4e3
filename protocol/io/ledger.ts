// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import {
  MalformedMessageError, ObjectMissingError, type TaskAttempt, type TaskOutcome, type TaskRound, attemptKey, attemptsOfRound, attemptsPrefix, deadKey,
  deadPrefix, ledgerKey, ledgerPrefix, parseRoundKey, parseStored, taskAttemptSchema,
  taskOutcomeSchema,
} from '../src/index.js';
import type { ObjectStore } from './object-store.js';

// The ledger of a scene: how every round of every task ended, and every attempt that did not end one. Its entries are written once.

/** The rounds of tasks that a scene's ledger has an outcome of. */
export async function* endedRounds(store: Pick<ObjectStore, 'list'>, sceneId: string): AsyncGenerator<TaskRound> {
  for await (const key of store.list(ledgerPrefix(sceneId))) {
    const round = parseRoundKey(ledgerPrefix(sceneId), key);
    if (round !== null) yield round;
  }
}

/** The rounds of tasks that ended as dead, of those that were asked for again, too. */
export async function* deadOutcomes(store: Pick<ObjectStore, 'get' | 'list'>, sceneId: string): AsyncGenerator<TaskOutcome> {
  for await (const key of store.list(deadPrefix(sceneId))) {
    const round = parseRoundKey(deadPrefix(sceneId), key);
    const outcome = round === null ? null : await readOutcome(store, sceneId, round);
    if (outcome?.state === 'dead') yield outcome;
  }
}

/** How a round ended; null where there is no entry, or none this release can read: then the task counts as not done. */
export async function readOutcome(store: Pick<ObjectStore, 'get'>, sceneId: string, of: TaskRound): Promise<TaskOutcome | null> {
  const outcome = await readJson(store, ledgerKey(sceneId, of), taskOutcomeSchema);
  return outcome?.taskId === of.taskId && outcome.taskHash === of.taskHash && outcome.round === of.round ? outcome : null;
}

/** As readOutcome, for a round that most likely has not ended: looking is cheaper than failing to read. */
export async function findOutcome(store: Pick<ObjectStore, 'get' | 'has'>, sceneId: string, of: TaskRound): Promise<TaskOutcome | null> {
  return (await store.has(ledgerKey(sceneId, of))) ? readOutcome(store, sceneId, of) : null;
}

/**
 * Ends a round. The first to do so counts: where another agent was first, its outcome comes back. An entry that a power
 * failure takes costs one repeat, which finds the same; so nobody waits for the disk.
 */
export async function writeOutcome(store: Pick<ObjectStore, 'get' | 'put' | 'putIfAbsent'>, outcome: TaskOutcome): Promise<TaskOutcome> {
  const key = ledgerKey(outcome.sceneId, outcome);
  const bytes = Buffer.from(JSON.stringify(outcome));
  // First, as an agent may die between the two: a marker without its entry misleads nobody.
  if (outcome.state === 'dead') await store.put(deadKey(outcome.sceneId, outcome), Buffer.from('{}'), { isRepeatable: true });
  if (await store.putIfAbsent(key, bytes, { isRepeatable: true })) return outcome;
  const first = await readOutcome(store, outcome.sceneId, outcome);
  if (first !== null) return first;
  // Half an entry, as after a power failure, or one of another release.
  await store.put(key, bytes, { isRepeatable: true });
  return outcome;
}

/** The attempts of a round that did not end it, in the order of their agents' clocks. */
export async function readAttempts(store: Pick<ObjectStore, 'get' | 'list'>, sceneId: string, of: TaskRound): Promise<TaskAttempt[]> {
  const attempts: TaskAttempt[] = [];
  for await (const key of store.list(attemptsOfRound(sceneId, of))) {
    const attempt = await readJson(store, key, taskAttemptSchema);
    if (attempt !== null) attempts.push(attempt);
  }
  return attempts.sort((a, b) => (a.at < b.at ? -1 : 1));
}

/** The rounds of tasks with attempts that did not end them, and how many. */
export async function countAttempts(store: Pick<ObjectStore, 'list'>, sceneId: string): Promise<{ readonly of: TaskRound; readonly attempts: number }[]> {
  const prefix = attemptsPrefix(sceneId);
  const counts = new Map<string, number>();
  for await (const key of store.list(prefix)) {
    const name = key.slice(prefix.length, key.lastIndexOf('/'));
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].flatMap(([name, attempts]) => {
    const of = parseRoundKey('', `${name}.json`);
    return of === null ? [] : [{ of, attempts }];
  });
}

/** Adds an attempt to the ledger. Of two accounts of one delivery the first counts. */
export async function writeAttempt(store: Pick<ObjectStore, 'putIfAbsent'>, attempt: TaskAttempt): Promise<void> {
  await store.putIfAbsent(attemptKey(attempt.sceneId, attempt, attempt.delivery ?? randomUUID()), Buffer.from(JSON.stringify(attempt)));
}

async function readJson<S extends z.ZodType>(store: Pick<ObjectStore, 'get'>, key: string, schema: S): Promise<z.output<S> | null> {
  try {
    return parseStored(key, schema, await store.get(key));
  } catch (error) {
    if (error instanceof ObjectMissingError || error instanceof MalformedMessageError) return null;
    throw error;
  }
}
