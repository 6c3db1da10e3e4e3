// SPDX-License-Identifier: Apache-2.0
import { Packr } from 'msgpackr';
import type { z } from 'zod';
import { type DeadLetter, deadLetterSchema } from './dead-letter.js';
import { MalformedMessageError } from './errors.js';
import { type TaskEvent, taskEventSchema } from './outcome.js';
import { type Task, taskSchema } from './task.js';

const packr = new Packr({ moreTypes: true, structuredClone: true, useRecords: false });
const protocolVersion = 1;

/** Packs a message as msgpack. Every message carries `v`, the protocol version. */
export function encodeMessage(message: Task | TaskEvent | DeadLetter): Uint8Array {
  return packr.pack(message);
}

/** Parses a task from the wire. Throws MalformedMessageError that names the field. */
export function parseTask(bytes: Uint8Array): Task {
  return parse('task', taskSchema, bytes);
}

/** Parses an event from the wire. Throws MalformedMessageError that names the field. */
export function parseTaskEvent(bytes: Uint8Array): TaskEvent {
  return parse('event', taskEventSchema, bytes);
}

/** Parses a dead letter from the wire. Throws MalformedMessageError that names the field. */
export function parseDeadLetter(bytes: Uint8Array): DeadLetter {
  return parse('dead letter', deadLetterSchema, bytes);
}

function parse<S extends z.ZodType>(what: string, schema: S, bytes: Uint8Array): z.output<S> {
  let message: unknown;
  try {
    message = packr.unpack(bytes);
  } catch (cause) {
    throw new MalformedMessageError(`${what}: not a msgpack message (${bytes.length} bytes)`, cause);
  }
  const version: unknown = message !== null && typeof message === 'object' && 'v' in message ? message.v : undefined;
  if (version !== protocolVersion) {
    throw new MalformedMessageError(
      `${what}: protocol version ${String(version)}, this program reads ${protocolVersion}; run the same Altiplano version everywhere`);
  }
  const result = schema.safeParse(message);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new MalformedMessageError(`${what}: field '${issue?.path.join('.') ?? ''}': ${issue?.message ?? 'invalid'}`);
  }
  return result.data;
}
