// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { AltiplanoError, type SceneStatus } from '@altiplano/protocol';
import type { BusFlags } from '@altiplano/protocol/config';
import type { ObjectStore } from '@altiplano/protocol/io';
import { messageOf } from '../message-of.js';
import { readStatus } from '../views/read-cluster.js';
import { withBus } from './cluster-options.js';

/** Tells the coordinator to look at the orders now. Without a bus it looks a few seconds later, so that is only said. */
export async function nudgeCoordinator(flags: BusFlags): Promise<void> {
  try {
    await withBus(flags, (queue) => queue.nudge());
  } catch (error) {
    if (!(error instanceof AltiplanoError)) throw error;
    process.stderr.write(`altiplano: ${messageOf(error)}; the order is in the store, and a coordinator will find it there\n`);
  }
}

const exitCodes: Partial<Record<SceneStatus['phase'], number>> = { done: 0, failed: 1, cancelled: 1, partial: 3 };
const lookMs = 1_000;

/** Waits until an order is carried out, tells how it ended, and sets the exit code. */
export async function waitForEnd(store: ObjectStore, sceneId: string, order: number, { json }: { readonly json: boolean }, signal: AbortSignal): Promise<void> {
  for (;;) {
    const status = await readStatus(store, sceneId);
    const code = status !== null && status.order >= order ? exitCodes[status.phase] : undefined;
    if (status !== null && code !== undefined) {
      process.stdout.write(json ? `${JSON.stringify(status)}\n` : endText(status));
      process.exitCode = code;
      return;
    }
    await delay(lookMs, undefined, { signal });
  }
}

function endText({ sceneId, phase, tiles, failure, products }: SceneStatus): string {
  return [
    `scene ${sceneId}: ${phase}${failure === null ? '' : `: ${failure}`}`,
    `tiles: ${tiles.done} done, ${tiles.empty} empty, ${tiles.dead} dead of ${tiles.planned}`,
    ...Object.entries(products).map(([name, key]) => `${name}: ${key}`),
    '',
  ].join('\n');
}
