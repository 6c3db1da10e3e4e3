// SPDX-License-Identifier: Apache-2.0
import type { AgentInfo, DeadLetter, Task, TaskEvent, TaskKind } from '../src/index.js';

/** One delivery of a task. Exactly one of ack, retry, reject ends it; `working` extends its deadline. */
export interface TaskDelivery {
  readonly bytes: Uint8Array;
  /** tasks.<kind>.<scene>.<task>: names the task even where `bytes` can't be read. */
  readonly subject: string;
  /** The task's hash as it was published; null for a message that publishTasks didn't publish. */
  readonly hash: string | null;
  /** The task's round as it was published. */
  readonly round: number;
  /** Tells this message from others of the same task and round; null for one that publishTasks didn't publish. */
  readonly message: string | null;
  /** The ledger may have attempts of this round, as its publisher said. */
  readonly mayHaveAttempts: boolean;
  /** How often this message was delivered; 1 for the first time. Not how often the task was run: that is in the ledger. */
  readonly attempt: number;
  /** Resolves false where the server doesn't confirm in time: then another agent may get the task, too. */
  working(): Promise<boolean>;
  /** Sent and not confirmed: where it is lost the task comes again, and its agent finds the ledger's entry. */
  ack(): Promise<void>;
  /** Give it back: delivered again after delayMs. Confirmed, as `reject`: throws ServiceUnavailableError where the server doesn't answer. */
  retry(delayMs: number): Promise<void>;
  /** Never deliver again (the outcome is already in the ledger as dead). */
  reject(): Promise<void>;
}

export interface PublishOptions {
  readonly signal?: AbortSignal | undefined;
  /** These tasks may have been tried before: whoever gets one looks for its attempts in the ledger, which costs a listing. Default: false. */
  readonly mayHaveAttempts?: boolean;
}

/**
 * The task flow of a cluster: coordinator publishes, agents pull and tell events. Calls that publish tasks and dead letters wait
 * out an outage of the service, until their signal aborts or the queue is closed.
 */
export interface TaskQueue {
  /** Makes the streams and consumers that are missing; an agent, which has no right to, waits until a coordinator has made them. */
  ensure(signal?: AbortSignal): Promise<void>;
  /**
   * Publishes tasks. A task (its scene, task id, hash and round) that is still queued or in an agent's hands is not
   * queued twice, whoever publishes it and whenever; one with the same ids and another hash or round replaces it. A
   * task that ended is queued again: its agent finds the ledger's entry and has nothing to do.
   */
  publishTasks(tasks: Iterable<Task>, options?: PublishOptions): Promise<void>;
  /** Takes a scene's tasks off the queue. Those in agents' hands may end. */
  purgeScene(sceneId: string): Promise<void>;
  /** Tells the coordinator that there are new orders in the store; heard or not, it looks at intervals anyway. */
  nudge(): Promise<void>;
  /** Calls `hear` with each nudge until the signal aborts. */
  onNudge(hear: () => void, signal: AbortSignal): void;
  /** Calls `hear`, until the signal aborts, whenever a lost connection is back, and streams that were lost with it are made: tasks may be missing. */
  onReconnect(hear: () => void, signal: AbortSignal): void;
  /**
   * Pulls at most one task of the kinds given; null when none came within waitMs. The first kind with work wins; having found one,
   * a queue may go on with its kind for a second before it asks for those before it again.
   */
  pullTask(kinds: readonly TaskKind[], waitMs: number, signal: AbortSignal): Promise<TaskDelivery | null>;
  /** Sent and not confirmed; nobody keeps it. The ledger has what counts. */
  publishEvent(event: TaskEvent): Promise<void>;
  /**
   * Events of a scene as they come, until the signal aborts. It listens from the first `next()` on: who publishes tasks after that
   * hears all of theirs, but for those told while the connection was away. 'ends': without those of type 'started'.
   */
  events(sceneId: string, signal: AbortSignal, which?: 'all' | 'ends'): AsyncIterable<TaskEvent>;
  publishDead(letter: DeadLetter, signal?: AbortSignal): Promise<void>;
  /** The dead letters of a scene as of now, oldest first. */
  deadLetters(sceneId: string): Promise<readonly DeadLetter[]>;
  /** Tasks waiting per kind, those in hand left out; 0 on a bus that no coordinator has furnished yet. */
  depth(): Promise<Readonly<Record<TaskKind, number>>>;
  /** Presence: overwritten by each call, gone when not renewed for 30 s. */
  announceAgent(id: string, info: AgentInfo): Promise<void>;
  /** Who is present, by id; what this release can't read is left out. */
  agents(): Promise<ReadonlyMap<string, AgentInfo>>;
  close(): Promise<void>;
}
