// SPDX-License-Identifier: Apache-2.0
import type { Task, TaskEvent, TaskKind } from '../src/index.js';

/** One delivery of a task. Exactly one of ack, retry, reject ends it; `working` extends its deadline. */
export interface TaskDelivery {
  readonly bytes: Uint8Array;
  /** 1 for the first delivery. */
  readonly attempt: number;
  working(): void;
  /** Confirmed by the server. */
  ack(): Promise<void>;
  /** Give it back: delivered again after delayMs. */
  retry(delayMs: number): Promise<void>;
  /** Never deliver again (the outcome is already in the ledger as dead). */
  reject(): Promise<void>;
}

/** The task flow of a cluster: coordinator publishes, agents pull, both follow events. */
export interface TaskQueue {
  /** Creates streams and consumers that are missing; safe to call from every program. */
  ensure(): Promise<void>;
  /** Publishes tasks; a task whose (sceneId, taskId, taskHash) was published lately is not queued twice. */
  publishTasks(tasks: readonly Task[]): Promise<void>;
  /** Pulls at most one task of the kinds given, first kind with work wins; null when none came within waitMs. */
  pullTask(kinds: readonly TaskKind[], waitMs: number, signal: AbortSignal): Promise<TaskDelivery | null>;
  publishEvent(event: TaskEvent): Promise<void>;
  /** Events of a scene from the moment of the call on (all = from the stream's beginning), until the signal aborts. */
  events(sceneId: string, signal: AbortSignal): AsyncIterable<TaskEvent>;
  /** Tasks waiting per kind. */
  depth(): Promise<Readonly<Record<TaskKind, number>>>;
  /** Presence: overwritten by each call, gone when not renewed for 30 s. */
  announceAgent(id: string, info: Readonly<Record<string, unknown>>): Promise<void>;
  agents(): Promise<ReadonlyMap<string, Readonly<Record<string, unknown>>>>;
  close(): Promise<void>;
}
