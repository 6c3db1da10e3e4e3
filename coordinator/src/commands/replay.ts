// SPDX-License-Identifier: Apache-2.0
import { InputError } from '@altiplano/protocol';
import { type Command, Option } from 'commander';
import { settingsOption } from '../stereo-settings.js';
import { withStore } from './cluster-options.js';
import { type OrderFlags, addOrderOptions, order, orderExitCodes } from './scene-order.js';

interface ReplayFlags extends OrderFlags {
  readonly dead?: true;
  readonly tile: readonly string[];
  readonly pair?: string;
  readonly set: readonly string[];
}

const collect = (text: string, all: readonly string[]): string[] => [...all, ...text.split(',')];

/** Adds `altiplano replay --scene S (--dead | --tile T)` to the program. `signal` aborts on SIGINT and SIGTERM. */
export function registerReplay(program: Command, signal: AbortSignal): void {
  addOrderOptions(program.command('replay'))
    .option('--dead', 'run all dead tasks, of every kind and level')
    .addOption(new Option('--tile <ids>', 'run these tiles at full resolution (comma list or repeated); altiplano tiles lists them').argParser(collect).default([], 'none'))
    .option('--pair <id>', 'only this pair of these tiles, e.g. 0_1')
    .addOption(settingsOption('parameter that replaces the scene\'s', 'the scene\'s'))
    .addHelpText('after', `
Examples:
  altiplano replay --scene town --dead --wait                                          once you have removed the cause
  altiplano replay --scene town --tile x1021y-33,x1022y-33 --set p2=60,p1=15           smoother there
  altiplano replay --scene town --tile x1021y-33 --pair 0_1

The parameters of --set are those of altiplano run; its --help explains them.
Each replay is an order with a number, kept in the store with its parameters; the products say which tiles come from which replay.
Parameters from an earlier replay of the same tile stay unless you set them again. If the scene was done without --keep-intermediates,
its images and coarse levels are made again first.
${orderExitCodes}`)
    .action((options: ReplayFlags) => withStore(options, async (store) => {
      if ((options.dead === true) === (options.tile.length > 0)) throw new InputError('replay: give either --dead or --tile');
      if (options.pair !== undefined && options.dead) throw new InputError('replay: --pair goes with --tile');
      const { orderedBy } = await import('../give-order.js');
      const { readSubmittedPlan } = await import('../views/read-cluster.js');
      const { deadTasks, replayParams, tasksOfTiles } = await import('../resolve-replay.js');
      const plan = await readSubmittedPlan(store, options.scene);
      const { sceneId } = plan;
      const set = replayParams(plan, options.set);
      const taskIds = options.dead ? await deadTasks(store, sceneId) : tasksOfTiles(plan, options.tile, options.pair ?? null);
      if (taskIds.length === 0) throw new InputError(`scene ${sceneId}: no task of it is dead`);
      const told = `${taskIds.length} task${taskIds.length === 1 ? '' : 's'} to be run again`;
      await order(store, { type: 'replay', sceneId, at: new Date().toISOString(), by: orderedBy(), taskIds, set }, options, told, signal);
    }));
}
