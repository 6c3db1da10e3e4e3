// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { AltiplanoError, type SceneOrder, type SceneStatus } from '@altiplano/protocol';
import type { BusFlags } from '@altiplano/protocol/config';
import type { ObjectStore } from '@altiplano/protocol/io';
import type { Command } from 'commander';
import { giveOrder } from '../give-order.js';
import { messageOf } from '../message-of.js';
import type { NewOrder } from '../scene-orders.js';
import { readStatus } from '../views/read-cluster.js';
import { type ClusterFlags, addClusterOptions, withBus } from './cluster-options.js';

export interface OrderFlags extends ClusterFlags {
  readonly scene: string;
  readonly wait?: true;
  readonly json?: true;
}

/** Adds what all commands have that give a scene an order. */
export function addOrderOptions(command: Command): Command {
  return addClusterOptions(command)
    .requiredOption('--scene <id>', 'the scene; altiplano scenes lists them')
    .option('--wait', 'stay until the scene has ended, and exit as run does')
    .option('--json', 'print one line of JSON');
}

export const orderExitCodes = `
Exit codes: 0 ordered (with --wait: complete), 1 failed or cancelled, 2 bad usage or input, 3 partial, 130 interrupted.`;

/** Gives an order, says so, and waits for its end where asked to. */
export async function order(store: ObjectStore, wanted: NewOrder, flags: OrderFlags, told: string, signal: AbortSignal): Promise<void> {
  const given = await giveOrder(store, wanted);
  await nudgeCoordinator(flags);
  if (!flags.json) process.stdout.write(`scene ${given.sceneId}: ${told}, order ${given.number}\n`);
  if (flags.wait) await waitForEnd(store, given, flags, signal);
  else if (flags.json) process.stdout.write(`${JSON.stringify(given)}\n`);
}

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
export async function waitForEnd(
  store: ObjectStore, { sceneId, number, type }: Pick<SceneOrder, 'sceneId' | 'number' | 'type'>, { json }: { readonly json?: true }, signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const status = await readStatus(store, sceneId);
    const code = status !== null && status.order >= number ? exitCodes[status.phase] : undefined;
    if (status !== null && code !== undefined) {
      process.stdout.write(json ? `${JSON.stringify(status)}\n` : endText(status));
      process.exitCode = type === 'cancel' && status.phase === 'cancelled' ? 0 : code;
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
