// SPDX-License-Identifier: Apache-2.0
import type { SceneStatus } from '@altiplano/protocol';
import type { LogLevel } from '@altiplano/protocol/config';
import { type EventLog, openJsonLog } from '@altiplano/protocol/process';

interface SceneIds { readonly sceneId: string; readonly order: number }

/** Every event the coordinator logs, with what it says. */
export interface CoordinatorEvents {
  'coordinator:started': { bus: string; store: string; scenes: number; version: string };
  /** Another one coordinates; this one waits for its end. */
  'coordinator:standby': { epoch: number };
  'coordinator:leading': { epoch: number };
  'coordinator:stopping': { reason: string };
  'coordinator:stopped': Record<string, never>;
  'coordinator:failed': { error: string };
  'config:warning': { message: string };
  'bus:problem': { error: string };
  'store:problem': { error: string };
  'lease:problem': { error: string };
  'lease:lost': { epoch: number; error: string };
  'scene:started': SceneIds;
  /** By a new order, the end of the lease, or a stop: whoever coordinates next goes on. */
  'scene:interrupted': SceneIds & { reason: string };
  /** It can't be worked on now; it will be tried again. */
  'scene:deferred': SceneIds & { reason: string };
  /** `factor`: the reduction of the level it is about. */
  'scene:phase': SceneIds & { phase: SceneStatus['phase']; factor?: number };
  /** Tiles at full resolution: all, and those merged in this run; the cells of the others are as they were. */
  'scene:merged': { sceneId: string; merged: number; tiles: number };
  'scene:warning': { sceneId: string; message: string };
  'scene:ended': SceneIds & { phase: SceneStatus['phase']; tiles?: SceneStatus['tiles']; deadTasks?: SceneStatus['deadTasks']; reason?: string };
}

export type CoordinatorLog = EventLog<CoordinatorEvents>;

const problems: ReadonlySet<keyof CoordinatorEvents> = new Set([
  'coordinator:failed', 'config:warning', 'bus:problem', 'store:problem', 'lease:problem', 'lease:lost', 'scene:deferred', 'scene:warning',
] as const);

/** Opens the log in a file, or on standard error. Throws where the file can't be opened. */
export function openCoordinatorLog({ level, file, name }: { readonly level: LogLevel; readonly file: string | null; readonly name: string }): CoordinatorLog {
  return openJsonLog<CoordinatorEvents>({
    level, file, base: { coordinator: name },
    isProblem: (event, fields) => problems.has(event) || ('phase' in fields && (fields.phase === 'failed' || fields.phase === 'partial')),
  });
}
