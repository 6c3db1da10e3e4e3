// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { Task } from './task.js';

/**
 * The content hash that names a task's result: 16 hex digits of SHA-256 over the JSON of the task with
 * sorted keys and without `outKey` and `round`, so that equal work has an equal key whoever computes it and whenever.
 */
export function taskHash(task: Omit<Task, 'outKey' | 'round'> & { readonly outKey?: string; readonly round?: number }): string {
  const known = hashes.get(task);
  if (known !== undefined) return known;
  const hash = hashOf(task);
  hashes.set(task, hash);
  return hash;
}

/** Completes a task that is the caller's own by the key of its result, which its hash is a part of. */
export function withOutKey<T extends Omit<Task, 'outKey'>>(task: T, outKeyOf: (hash: string) => string): T & { readonly outKey: string } {
  const hash = hashOf(task);
  const complete = Object.assign(task, { outKey: outKeyOf(hash) });
  hashes.set(complete, hash);
  return complete;
}

// Memos, by identity: tasks are never changed, and those of a scene share images and parameters, which are most of their text.
const hashes = new WeakMap<object, string>();
const partTexts = new WeakMap<object, string>();

const hashOf = (task: object): string => createHash('sha256').update(objectJson(task, partJson, notHashed)).digest('hex').slice(0, 16);
const notHashed: ReadonlySet<string> = new Set(['outKey', 'round']);

function partJson(part: unknown): string {
  if (part === null || typeof part !== 'object') return sortedJson(part);
  const known = partTexts.get(part);
  if (known !== undefined) return known;
  const text = sortedJson(part);
  partTexts.set(part, text);
  return text;
}

function sortedJson(value: unknown): string {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`;
  if (value !== null && typeof value === 'object') return objectJson(value, sortedJson);
  return JSON.stringify(value) ?? 'null';
}

function objectJson(value: object, partText: (part: unknown) => string, without?: ReadonlySet<string>): string {
  let text = '';
  const parts: Readonly<Record<string, unknown>> = { ...value };
  for (const key of Object.keys(value).sort()) {
    const part = parts[key];
    if (part === undefined || without?.has(key) === true) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${partText(part)}`;
  }
  return `{${text}}`;
}
