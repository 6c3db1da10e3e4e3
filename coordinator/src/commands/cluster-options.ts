// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type BusFlags, type StoreFlags, addBusOptions, addConfigOption, addStoreOption, busAccess, secretsHelp } from '@altiplano/protocol/config';
import type { ObjectStore, TaskQueue } from '@altiplano/protocol/io';
import { InputError, ServiceUnavailableError } from '@altiplano/protocol/plain';
import { folderOfStore, openExistingStore } from '@altiplano/protocol/store';
import type { Command } from 'commander';
import { stateDir } from '../out-folder.js';

export type ClusterFlags = BusFlags & StoreFlags;

/** Adds where store and bus are to a command that looks at a cluster, and the help about their secrets. */
export function addClusterOptions(command: Command): Command {
  return addConfigOption(addBusOptions(addStoreOption(command))).addHelpText('after', secretsHelp);
}

/** Opens the store, runs, and closes it again. Only who gives it its first scene may `open` one that isn't there. */
export async function withStore<T>({ store: url }: StoreFlags, run: (store: ObjectStore) => Promise<T>, open = openExistingStore): Promise<T> {
  refuseProducts(folderOfStore(url));
  const store = await open(url);
  try {
    return await run(store);
  } finally {
    await store.close();
  }
}

/** A run's folder looks like its store. */
function refuseProducts(folder: string | null): void {
  const ofRun = folder === null ? null : join(stateDir(folder), 'store');
  if (ofRun !== null && existsSync(ofRun)) throw new InputError(`store: ${folder} has the products of altiplano run; its store is ${ofRun}`);
}

/** Long enough for a server that is there. */
const patienceMs = 2_000;

/** Opens the bus, runs, and closes it again. Who looks doesn't wait: throws ServiceUnavailableError where it doesn't answer soon. */
export async function withBus<T>(flags: BusFlags, run: (queue: TaskQueue) => Promise<T>): Promise<T> {
  const access = await busAccess(flags, process.env, (message) => process.stderr.write(`altiplano: ${message}\n`));
  // Loaded where there is a bus to look at: its client is more than all else of these commands.
  const { openNatsQueue } = await import('@altiplano/protocol/io');
  const queue = await openNatsQueue({ ...access, name: 'altiplano', role: 'viewer', connectTimeoutMs: patienceMs });
  try {
    return await run(queue);
  } finally {
    await queue.close();
  }
}

/** As withBus, but null where the bus is away or says nothing, for the reason `onAway` is told: the store alone tells much. */
export async function withBusIfThere<T>(flags: BusFlags, run: (queue: TaskQueue) => Promise<T>, onAway: (why: Error) => void = () => undefined): Promise<T | null> {
  try {
    return await withBus(flags, run);
  } catch (error) {
    if (!(error instanceof ServiceUnavailableError)) throw error;
    onAway(error);
    return null;
  }
}
