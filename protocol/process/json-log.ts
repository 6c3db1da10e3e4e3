// SPDX-License-Identifier: Apache-2.0
import { destination, pino } from 'pino';
import type { LogLevel } from '../config/log-level.js';

/** Logs one of the events in the map `Events`, with what the map says of it. */
export type EventLog<Events> = <E extends keyof Events>(event: E, fields: Events[E]) => void;

export interface JsonLogOptions<Events> {
  readonly level: LogLevel;
  /** Appended to; null: standard error. */
  readonly file: string | null;
  /** In every line. */
  readonly base: Readonly<Record<string, string>>;
  /** Logged as a warning. */
  readonly isProblem: (event: keyof Events, fields: Events[keyof Events]) => boolean;
}

/** JSON lines, written at once: what was logged before a crash is there. */
export function openJsonLog<Events>({ level, file, base, isProblem }: JsonLogOptions<Events>): EventLog<Events> {
  const logger = pino({ level, base }, destination({ dest: file ?? 2, sync: true, mkdir: true }));
  return (event, fields) => { logger[isProblem(event, fields) ? 'warn' : 'info']({ event, ...fields }); };
}
