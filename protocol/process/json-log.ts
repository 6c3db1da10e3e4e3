// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LogLevel } from '../config/log-level.js';

/** Logs one of the events in the map `Events`, with what the map says of it. */
export type EventLog<Events> = <E extends keyof Events>(event: E, fields: Events[E]) => void;

export interface JsonLogOptions<Events> {
  readonly level: LogLevel;
  /** Appended to, and made with its folders where missing; null: standard error. */
  readonly file: string | null;
  /** In every line. */
  readonly base: Readonly<Record<string, string>>;
  /** Logged as a warning. */
  readonly isProblem: (event: keyof Events, fields: Events[keyof Events]) => boolean;
}

/** As Bunyan and pino number them, so that their readers of logs read ours. */
const levels: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50, silent: Infinity };
const busyMs = 10;

/**
 * JSON lines `{"level":…,"time":…,…base,"event":…,…fields}`, `time` in milliseconds. Each is written at once: what was logged before a crash is there.
 * Throws where the file can't be opened. What can't be written later, as on a full disk, is lost: a log is no reason to fail a task.
 */
export function openJsonLog<Events extends { readonly [E in keyof Events]: object }>({ level, file, base, isProblem }: JsonLogOptions<Events>): EventLog<Events> {
  if (file !== null) mkdirSync(dirname(file), { recursive: true });
  const descriptor = file === null ? 2 : openSync(file, 'a');
  const same = inner(base);
  return (event, fields) => {
    const own = isProblem(event, fields) ? levels.warn : levels.info;
    if (own < levels[level]) return;
    writeLine(descriptor, `{"level":${own},"time":${Date.now()}${same},"event":"${String(event)}"${inner(fields)}}\n`);
  };
}

/** An object's fields as they follow others in JSON. */
function inner(fields: object): string {
  const text = JSON.stringify(fields).slice(1, -1);
  return text === '' ? '' : `,${text}`;
}

function writeLine(descriptor: number, line: string): void {
  let left = Buffer.from(line);
  while (left.length > 0) {
    try {
      left = left.subarray(writeSync(descriptor, left));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) return;
      // A pipe that is full, whose other end made it non-blocking.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, busyMs);
    }
  }
}
