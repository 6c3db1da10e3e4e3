// SPDX-License-Identifier: Apache-2.0
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { FailureClass, TaskKind, TaskOutcome } from '@altiplano/protocol';
import type { LogLevel } from '@altiplano/protocol/config';
import { type EventLog, openJsonLog } from '@altiplano/protocol/process';

interface TaskIds {
  readonly sceneId: string;
  readonly taskId: string;
  readonly attempt: number;
}

/** Every event the agent logs, with what it says. */
export interface AgentEvents {
  'agent:started': { bus: string; store: string; slots: number; kinds: readonly TaskKind[]; version: string };
  'agent:draining': { signal: string; isSecond: boolean };
  'agent:drained': { settled: number; handedBack: number };
  'agent:failed': { error: string };
  'config:warning': { message: string };
  'bus:problem': { error: string };
  /** A thread of this process is in a call that doesn't end; the process does. */
  'agent:hung': { error: string };
  'task:started': TaskIds & { kind: TaskKind; isolated: true | undefined; split: true | undefined };
  'task:known': TaskIds & { state: TaskOutcome['state'] };
  'task:settled': TaskIds & { kind: TaskKind; state: TaskOutcome['state']; reason: string | undefined; error: string | undefined; wallSeconds: number; cpuSeconds: number };
  'task:retried': TaskIds & { kind: TaskKind; delayMs: number; class: FailureClass; code: string; error: string; stage?: string; signal?: string; stack?: string };
  'task:returned': TaskIds & { reason: string };
  'task:malformed': { subject: string; error: string };
  'task:unsettled': { subject: string; error: string };
  'lease:doubtful': TaskIds;
}

/** Logs one event; problems as warnings. */
export type Log = EventLog<AgentEvents>;

const warnings: ReadonlySet<keyof AgentEvents> =
  new Set(['agent:failed', 'agent:hung', 'config:warning', 'bus:problem', 'task:retried', 'task:malformed', 'task:unsettled', 'lease:doubtful'] as const);

/** Opens the log in a file, or on standard error. Throws where the file can't be opened. */
export function openLog({ level, file, agent }: { readonly level: LogLevel; readonly file: string | null; readonly agent: string }): Log {
  return openJsonLog<AgentEvents>({
    level, file, base: { agent }, isProblem: (event, fields) => warnings.has(event) || ('state' in fields && fields.state === 'dead'),
  });
}

/** Where people find the log: host and path, also where standard error was sent to a file, or whose standard error it is. */
export function logPlace(file: string | null): string {
  const path = file === null ? fileOfStandardError() : resolve(file);
  return path === null ? `standard error of ${hostname()} pid ${process.pid}` : `${hostname()}:${path}`;
}

function fileOfStandardError(): string | null {
  try {
    const path = readlinkSync('/proc/self/fd/2');
    return path.startsWith('/') && !path.startsWith('/dev/') ? path : null;
  } catch {
    return null; // no Linux
  }
}
