// SPDX-License-Identifier: Apache-2.0
import { InputError, catalogKey } from '@altiplano/protocol';
import type { StoreFlags } from '@altiplano/protocol/config';
import { addConfigOption, addStoreOption } from '@altiplano/protocol/config';
import type { Command } from 'commander';
import { withStore } from './cluster-options.js';

interface CleanFlags extends StoreFlags {
  readonly scene: string;
  readonly intermediates?: true;
  readonly json?: true;
}

/** Adds `altiplano clean --scene S` to the program. */
export function registerClean(program: Command): void {
  addConfigOption(addStoreOption(program.command('clean')))
    .requiredOption('--scene <id>', 'the scene; altiplano scenes lists them')
    .option('--intermediates', 'delete only ingested images, partial DSMs and coarse levels; keep products, plan and history')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', `
Examples:
  altiplano clean --scene town --store s3://scenes/prod                   delete all of it
  altiplano clean --scene town --store s3://scenes/prod --intermediates   keep the products

A scene with orders not yet carried out is refused: run altiplano cancel --scene ID --wait first.

Exit codes: 0 deleted, 1 failed, 2 bad usage or input.`)
    .action((options: CleanFlags) => withStore(options, async (store) => {
      const { dropObjects, isIntermediate } = await import('../drop-objects.js');
      const { hasOpenOrders } = await import('../views/read-cluster.js');
      const { scene } = options;
      if (await hasOpenOrders(store, scene)) throw new InputError(`scene ${scene}: has orders that are not carried out; altiplano cancel --scene ${scene} --wait first`);
      const isKnown = await store.has(catalogKey(scene));
      const dropped = await dropObjects(store, scene, options.intermediates ? isIntermediate : () => true);
      // Last, so that a clean-up that was interrupted can be repeated.
      if (!options.intermediates) await store.delete(catalogKey(scene));
      if (dropped === 0 && !isKnown) throw new InputError(`scene ${scene}: not in ${store.url}; altiplano scenes lists those that are`);
      process.stdout.write(options.json ? `${JSON.stringify({ sceneId: scene, dropped })}\n` : `scene ${scene}: ${dropped} objects dropped\n`);
    }));
}
