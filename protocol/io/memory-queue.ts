// SPDX-License-Identifier: Apache-2.0
import {
  type AgentInfo, type DeadLetter, ServiceUnavailableError, type TaskEvent, type TaskKind, encodeMessage, taskHash, taskKinds, taskSubject,
} from '../src/index.js';
import { type Clock, systemClock } from './clock.js';
import type { TaskDelivery, TaskQueue } from './task-queue.js';

interface Entry {
  readonly kind: TaskKind;
  readonly subject: string;
  readonly hash: string;
  readonly round: number;
  readonly message: string;
  readonly mayHaveAttempts: boolean;
  readonly bytes: Uint8Array;
  attempt: number;
  /** Not delivered before this moment: the end of the current lease, or of a retry's delay. */
  readyAt: number;
}

interface Waiter {
  readonly kinds: readonly TaskKind[];
  readonly resolve: (delivery: TaskDelivery | null) => void;
}

const presenceMs = 30_000;

/**
 * A task queue in this process's memory, for tests: keeps the promises of the one on NATS, on a clock that
 * tests can turn.
 */
export function openMemoryQueue({ ackWaitMs = 15_000, clock = systemClock }: { readonly ackWaitMs?: number; readonly clock?: Clock } = {}): TaskQueue {
  /** By subject, oldest first. */
  const entries = new Map<string, Entry>();
  const waiters = new Set<Waiter>();
  const listeners = new Set<(event: TaskEvent) => void>();
  const nudged = new Set<() => void>();
  const dead: DeadLetter[] = [];
  const present = new Map<string, { readonly info: AgentInfo; readonly until: number }>();
  const closing = new AbortController();
  let published = 0;

  function take(kinds: readonly TaskKind[]): TaskDelivery | null {
    const now = clock.now();
    for (const kind of kinds) {
      for (const entry of entries.values()) {
        if (entry.kind === kind && entry.readyAt <= now) return deliver(entry);
      }
    }
    return null;
  }

  function deliver(entry: Entry): TaskDelivery {
    entry.attempt += 1;
    const attempt = entry.attempt;
    // Another delivery holds the task when its attempt differs, another message when the entry does.
    const isHeld = (): boolean => entries.get(entry.subject) === entry && entry.attempt === attempt;
    const holdFor = (ms: number): void => {
      entry.readyAt = clock.now() + ms;
      clock.after(ms, serveWaiters);
    };
    const remove = (): void => { if (entries.get(entry.subject) === entry) entries.delete(entry.subject); };
    holdFor(ackWaitMs);
    return {
      bytes: entry.bytes, subject: entry.subject, hash: entry.hash, round: entry.round, message: entry.message,
      mayHaveAttempts: entry.mayHaveAttempts, attempt,
      async working() {
        if (isHeld()) holdFor(ackWaitMs);
        return true;
      },
      async ack() { remove(); },
      async retry(delayMs) {
        if (!isHeld()) return;
        holdFor(delayMs);
        serveWaiters();
      },
      async reject() { remove(); },
    };
  }

  function serveWaiters(): void {
    for (const waiter of waiters) {
      const delivery = take(waiter.kinds);
      if (delivery === null) continue;
      waiters.delete(waiter);
      waiter.resolve(delivery);
    }
  }

  function checkOpen(signal?: AbortSignal): void {
    signal?.throwIfAborted();
    if (closing.signal.aborted) throw new ServiceUnavailableError('bus: the queue was closed');
  }

  return {
    async ensure() { checkOpen(); },
    async publishTasks(tasks, { signal, mayHaveAttempts = false } = {}) {
      checkOpen(signal);
      for (const task of tasks) {
        const subject = taskSubject(task.kind, task.sceneId, task.taskId);
        const hash = taskHash(task);
        const waiting = entries.get(subject);
        if (waiting?.hash === hash && waiting.round === task.round) continue;
        entries.delete(subject); // so that a replacement queues at the end
        entries.set(subject, {
          kind: task.kind, subject, hash, round: task.round, message: String(++published), mayHaveAttempts, bytes: encodeMessage(task), attempt: 0, readyAt: clock.now(),
        });
      }
      serveWaiters();
    },
    async purgeScene(sceneId) {
      for (const { subject, kind } of entries.values()) if (subject.startsWith(taskSubject(kind, sceneId, ''))) entries.delete(subject);
    },
    async nudge() { for (const hear of nudged) hear(); },
    onReconnect() { /* memory isn't lost */ },
    onNudge(hear, signal) {
      nudged.add(hear);
      signal.addEventListener('abort', () => { nudged.delete(hear); }, { once: true });
    },
    async pullTask(kinds, waitMs, signal) {
      checkOpen();
      if (signal.aborted) return null;
      const delivery = take(kinds);
      if (delivery !== null || waitMs <= 0) return delivery;
      const stop = AbortSignal.any([signal, closing.signal]);
      let giveUp = (): void => undefined;
      let cancelTimer = giveUp;
      try {
        return await new Promise<TaskDelivery | null>((resolve) => {
          const waiter: Waiter = { kinds, resolve };
          waiters.add(waiter);
          giveUp = () => {
            if (waiters.delete(waiter)) resolve(null);
          };
          cancelTimer = clock.after(waitMs, giveUp);
          stop.addEventListener('abort', giveUp);
        });
      } finally {
        cancelTimer();
        stop.removeEventListener('abort', giveUp);
      }
    },
    async publishEvent(event) {
      checkOpen();
      for (const listener of listeners) listener(event);
    },
    async *events(sceneId, signal, which = 'all') {
      const stop = AbortSignal.any([signal, closing.signal]);
      const told: TaskEvent[] = [];
      let wake = (): void => undefined;
      const listener = (event: TaskEvent): void => {
        if (event.sceneId !== sceneId || (which === 'ends' && event.type === 'started')) return;
        told.push(event);
        wake();
      };
      listeners.add(listener);
      const onStop = (): void => { wake(); };
      stop.addEventListener('abort', onStop);
      try {
        while (!stop.aborted) {
          const event = told.shift();
          if (event !== undefined) yield event;
          else await new Promise<void>((resolve) => { wake = resolve; });
        }
      } finally {
        listeners.delete(listener);
        stop.removeEventListener('abort', onStop);
      }
    },
    async publishDead(letter, signal) {
      checkOpen(signal);
      dead.push(letter);
    },
    async deadLetters(sceneId) { return dead.filter((letter) => letter.sceneId === sceneId); },
    async depth() {
      const now = clock.now();
      const depth: Record<TaskKind, number> = { ingest: 0, align: 0, coarse: 0, stereo: 0 };
      const waiting = [...entries.values()].filter(({ attempt, readyAt }) => attempt === 0 || readyAt <= now);
      for (const kind of taskKinds) depth[kind] = waiting.filter((entry) => entry.kind === kind).length;
      return depth;
    },
    async announceAgent(id, info) {
      checkOpen();
      present.set(id, { info, until: clock.now() + presenceMs });
    },
    async agents() {
      const now = clock.now();
      return new Map([...present].filter(([, { until }]) => until > now).map(([id, { info }]) => [id, info]));
    },
    async close() { closing.abort(); },
  };
}
