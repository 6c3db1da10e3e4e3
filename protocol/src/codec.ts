// SPDX-License-Identifier: Apache-2.0
import { Packr } from 'msgpackr';
import type { z } from 'zod';
import { type AgentInfo, agentInfoSchema } from './agent-info.js';
import { type DeadLetter, deadLetterSchema } from './dead-letter.js';
import { MalformedMessageError } from './errors.js';
import { cutText, maxMessageBytes, maxStoredBytes } from './limits.js';
import { type TaskEvent, taskEventSchema } from './outcome.js';
import { openRepeatedParts } from './repeated-parts.js';
import { type AlignMatches, type Task, alignMatchesSchema, taskSchema } from './task.js';

// Plain data only: without structuredClone a message can't refer to parts of itself.
const packr = new Packr({ useRecords: false, structuredClone: false });
const repeated = openRepeatedParts(packr);
const protocolVersion = 1;

/** Packs a message as msgpack. Every message carries `v`, the protocol version. */
export function encodeMessage(message: Task | TaskEvent | DeadLetter): Uint8Array {
  return packr.pack(message);
}

/** Parses a task from the wire. Throws MalformedMessageError that names the field. */
export function parseTask(bytes: Uint8Array): Task {
  const known = bytes.length > maxMessageBytes ? null : repeated.parse(bytes);
  if (known !== null) return known;
  const task = parsedMessage('task', taskSchema, bytes, maxMessageBytes);
  if (task.kind === 'stereo' || task.kind === 'coarse') repeated.keep(bytes, task);
  return task;
}

/** Parses an event from the wire. Throws MalformedMessageError that names the field. */
export function parseTaskEvent(bytes: Uint8Array): TaskEvent {
  return parsedMessage('event', taskEventSchema, bytes, maxMessageBytes);
}

/** Parses a dead letter from the wire. Throws MalformedMessageError that names the field. */
export function parseDeadLetter(bytes: Uint8Array): DeadLetter {
  return parsedMessage('dead letter', deadLetterSchema, bytes, 2 * maxMessageBytes);
}

/** Parses what an agent tells of itself. Throws MalformedMessageError that names agent and field. */
export function parseAgentInfo(id: string, bytes: Uint8Array): AgentInfo {
  return parseStored(`agent ${id}`, agentInfoSchema, bytes);
}

/** Parses the matches of a window from the store. Throws MalformedMessageError that names key and field. */
export function parseAlignMatches(key: string, bytes: Uint8Array): AlignMatches {
  return parseStored(key, alignMatchesSchema, bytes);
}

function parsedMessage<S extends z.ZodType>(what: string, schema: S, bytes: Uint8Array, maxBytes: number): z.output<S> {
  return parsed(what, schema, bytes, maxBytes, 'a msgpack message', () => packr.unpack(bytes));
}

/** Parses what the store keeps as JSON at a key. Throws MalformedMessageError that names key and field. */
export function parseStored<S extends z.ZodType>(key: string, schema: S, bytes: Uint8Array): z.output<S> {
  return parsed(key, schema, bytes, maxStoredBytes, 'JSON', () => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
}

function parsed<S extends z.ZodType>(what: string, schema: S, bytes: Uint8Array, maxBytes: number, format: string, decode: () => unknown): z.output<S> {
  if (bytes.length > maxBytes) throw new MalformedMessageError(`${what}: ${bytes.length} bytes, at most ${maxBytes} are read`);
  let message: unknown;
  try {
    message = decode();
  } catch (cause) {
    throw new MalformedMessageError(`${what}: not ${format} (${bytes.length} bytes)`, cause);
  }
  const result = schema.safeParse(message);
  if (result.success) return result.data;
  const { issues } = result.error;
  const version: unknown = message !== null && typeof message === 'object' && 'v' in message ? message.v : undefined;
  // Told instead of any field: those of another version may be other ones.
  if (version !== protocolVersion && (version !== undefined || issues.some(({ path }) => path[0] === 'v'))) {
    const named = typeof version === 'number' ? `version ${version}` : `version (field 'v' is ${version === undefined ? 'missing' : 'not a number'})`;
    throw new MalformedMessageError(`${what}: protocol ${named}, this program reads ${protocolVersion}; run the same Altiplano version everywhere`);
  }
  throw new MalformedMessageError(cutText(`${what}: field '${issues[0]?.path.map(String).join('.') ?? ''}': ${issues[0]?.message ?? 'invalid'}`));
}
