// SPDX-License-Identifier: Apache-2.0
import { AltiplanoError, type SceneOrder } from '@altiplano/protocol';
import type { BusFlags } from '@altiplano/protocol/config';
import type { ObjectStore } from '@altiplano/protocol/io';
import type { Command } from 'commander';
import { giveOrder, orderedBy } from '../give-order.js';
import { messageOf } from '../message-of.js';
import type { NewOrder } from '../scene-orders.js';
import { readSubmittedPlan } from '../views/read-cluster.js';
import { exitCodes } from '../views/scene-phase.js';
import { type ClusterFlags, addClusterOptions, withBus, withStore } from './cluster-options.js';
import { type FollowFlags, followScene } from './follow-scene.js';

export interface OrderFlags extends ClusterFlags {
  readonly scene: string;
  readonly wait?: true;
  readonly json?: true;
}

/** Adds what all commands have that give a scene an order. */
export function addOrderOptions(command: Command): Command {
  return addClusterOptions(command)
    .requiredOption('--scene <id>', 'the scene; altiplano scenes lists them')
    .option('--wait', 'wait until the scene has ended; same exit codes as run')
    .option('--json', 'print one line of JSON');
}

export const orderExitCodes = `
Exit codes: 0 ordered (with --wait: complete), 1 failed or cancelled, 2 bad usage or input, 3 partial, 130 interrupted.`;

/** Gives a scene an order that says nothing but its type. */
export function orderScene(type: 'cancel' | 'resume', told: string, flags: OrderFlags, signal: AbortSignal): Promise<void> {
  return withStore(flags, async (store) => {
    const { sceneId } = await readSubmittedPlan(store, flags.scene);
    await order(store, { type, sceneId, at: new Date().toISOString(), by: orderedBy() }, flags, told, signal);
  });
}

/** Gives an order, says so, and waits for its end where asked to. */
export async function order(store: ObjectStore, wanted: NewOrder, flags: OrderFlags, told: string, signal: AbortSignal): Promise<void> {
  const given = await giveOrder(store, wanted);
  await nudgeCoordinator(flags);
  if (!flags.json) process.stdout.write(`scene ${given.sceneId}: ${told}, order ${given.number}\n`);
  if (flags.wait) await waitForEnd(store, given.type, flags, signal);
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

/** Follows a scene to the end of an order, and sets the exit code. */
export async function waitForEnd(store: ObjectStore, type: SceneOrder['type'], flags: FollowFlags, signal: AbortSignal): Promise<void> {
  const end = await followScene(store, flags, signal);
  process.exitCode = type === 'cancel' && end === 'cancelled' ? 0 : exitCodes[end];
}
