// SPDX-License-Identifier: Apache-2.0
import { destination, pino } from 'pino';
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

/**
 * JSON lines, written at once: what was logged before a crash is there. Throws where the file can't be opened. What can't be written later, as on
 * a full disk, may be lost: a log is no reason to fail a task.
 */
export function openJsonLog<Events>({ level, file, base, isProblem }: JsonLogOptions<Events>): EventLog<Events> {
  const lines = destination({ dest: file ?? 2, sync: true, mkdir: true });
  lines.on('error', () => undefined);
  const logger = pino({ level, base }, lines);
  return (event, fields) => { logger[isProblem(event, fields) ? 'warn' : 'info']({ event, ...fields }); };
}
