// SPDX-License-Identifier: Apache-2.0
import type { BusFlags, StoreFlags } from '@altiplano/protocol/config';
import { openStore } from '@altiplano/protocol/store';
import type { Command } from 'commander';
import { type SceneOptions, addSceneOptions } from '../scene-options.js';
import { tileCount } from '../tile-index.js';
import { addClusterOptions, withStore } from './cluster-options.js';
import { nudgeCoordinator, orderExitCodes, waitForEnd } from './scene-order.js';

interface SubmitOptions extends SceneOptions, BusFlags, StoreFlags {
  readonly keepIntermediates?: true;
  readonly wait?: true;
  readonly json?: true;
}

/** Adds `altiplano submit IMAGE IMAGE...` to the program. `signal` aborts on SIGINT and SIGTERM. */
export function registerSubmit(program: Command, signal: AbortSignal): void {
  addClusterOptions(addSceneOptions(program.command('submit')))
    .option('--keep-intermediates', 'keep ingested images, partial DSMs and coarse levels when the scene is done')
    .option('--wait', 'wait until the scene has ended; same exit codes as run')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', `
Examples:
  altiplano submit s3://images/left.tif s3://images/right.tif --store s3://scenes/prod --nats nats://bus:4222
  altiplano submit /mnt/left.tif /mnt/right.tif --store s3://scenes/prod --scene-id town --resolution 1 --wait

Agents read the images by the same names: as s3://bucket/key, or as files that all machines have at the same path.
The same images and options again are the same scene: it continues, or is already complete. altiplano watch --scene ID follows it.
${orderExitCodes}`)
    .action(async (images: string[], options: SubmitOptions) => {
      const { makePlan } = await import('../make-plan.js');
      const { submitScene } = await import('../submit-scene.js');
      const plan = await makePlan(images, options);
      const full = plan.levels.at(-1);
      await withStore(options, async (store) => {
        const given = await submitScene(store, plan, { keepIntermediates: options.keepIntermediates === true });
        const told = { sceneId: plan.sceneId, order: given.number, tiles: full === undefined ? 0 : tileCount(full), pairs: plan.pairs.length, warnings: plan.warnings };
        if (!options.json) {
          for (const warning of plan.warnings) process.stdout.write(`note: ${warning}\n`);
          process.stdout.write(`scene ${told.sceneId}: ${told.pairs} pair${told.pairs === 1 ? '' : 's'}, ${told.tiles} tiles, submitted as order ${given.number}\n`);
        }
        await nudgeCoordinator(options);
        if (options.wait) await waitForEnd(store, given.type, { ...options, scene: plan.sceneId }, signal);
        else if (options.json) process.stdout.write(`${JSON.stringify(told)}\n`);
      }, openStore);
    });
}
