// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import type { SceneStatus, TaskEvent } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import { deadTaskTexts } from '../dead-tasks.js';
import { messageOf } from '../message-of.js';
import { outlast } from '../outlast.js';
import { type ProgressView, openProgress } from '../progress.js';
import { hasOpenOrders, readScene } from '../views/read-cluster.js';
import { type EndPhase, isEndPhase, phaseText, statusProgress } from '../views/scene-phase.js';
import { objectUrl } from '../views/text-table.js';
import { type ClusterFlags, withBusIfThere } from './cluster-options.js';

/** Where a scene stands is written every two seconds at most. */
const lookEveryMs = 1_000;

export interface FollowFlags extends ClusterFlags {
  readonly scene: string;
  /** Progress goes to standard error, and the last status to standard output as one line of JSON. */
  readonly json?: true;
}

/** Shows a scene's progress until it has ended by its last order, and how it ended; resolves to that. */
export async function followScene(store: ObjectStore, flags: FollowFlags, signal: AbortSignal): Promise<EndPhase> {
  const stream = flags.json ? process.stderr : process.stdout;
  const progress = openProgress({ stream, isTty: stream.isTTY === true, now: () => performance.now() });
  const ended = new AbortController();
  const stop = AbortSignal.any([signal, ended.signal]);
  const telling = withBusIfThere(flags, async (queue) => {
    for await (const event of queue.events(flags.scene, stop, 'ends')) tell(progress, event);
  });
  telling.catch(() => undefined); // awaited below
  try {
    for (let shown = '';;) {
      const { state, status, isOpen } = await outlast(async () => ({ ...await readScene(store, flags.scene), isOpen: await hasOpenOrders(store, flags.scene) }), {
        what: 'status', mostMs: Infinity, warn: (message) => { progress.note(message); }, signal,
      });
      if (status !== null && isEndPhase(state) && !isOpen) {
        progress.close();
        process.stdout.write(flags.json ? `${JSON.stringify(status)}\n` : endText(status, flags.store));
        return state;
      }
      const counted = status === null || state === 'waiting' ? null : statusProgress(status);
      progress.show(counted);
      const text = counted === null ? phaseText(state, status) : '';
      if (text !== '' && text !== shown) progress.note(text);
      shown = text;
      await delay(lookEveryMs, undefined, { signal });
    }
  } finally {
    progress.close();
    ended.abort();
    await telling.catch((error: unknown) => process.stderr.write(`bus: ${messageOf(error)}\n`));
  }
}

function tell(progress: ProgressView, event: TaskEvent): void {
  if (event.type === 'retrying') progress.note(`${event.taskId}: attempt ${event.attempt} on ${event.agent} failed, it will be tried again: ${event.error}`);
  if (event.type === 'ended' && event.outcome.state === 'dead') {
    progress.note(`${event.taskId}: dead after ${event.outcome.attempts} attempts on ${event.agent}: ${event.outcome.error?.message ?? 'unknown'}`);
  }
}

function endText({ sceneId, phase, tiles, deadTasks, failure, products }: SceneStatus, store: string): string {
  return `${[
    `scene ${sceneId}: ${phase}${failure === null ? '' : `: ${failure}`}`,
    `tiles: ${tiles.done} done, ${tiles.empty} empty, ${tiles.dead} dead of ${tiles.planned}`,
    ...deadTaskTexts(deadTasks).map((text) => `dead: ${text}`),
    ...Object.entries(products).map(([name, key]) => `${name}: ${objectUrl(store, key)}`),
  ].join('\n')}\n`;
}
