// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { exitCodes } from '../views/scene-phase.js';
import { addClusterOptions, withStore } from './cluster-options.js';
import { type FollowFlags, followScene } from './follow-scene.js';

/** Adds `altiplano watch --scene S` to the program. `signal` aborts on SIGINT and SIGTERM. */
export function registerWatch(program: Command, signal: AbortSignal): void {
  addClusterOptions(program.command('watch'))
    .requiredOption('--scene <id>', 'the scene; altiplano scenes lists them')
    .option('--json', 'end standard output with the last status as one line of JSON; progress goes to standard error')
    .addHelpText('after', `
Example:
  altiplano watch --scene town && echo complete

Progress comes from the store. If the bus answers, failing tasks are shown as they fail. Ctrl-C stops watching, not the scene.
Exit codes: 0 complete, 1 failed or cancelled, 3 partial (some tasks are dead), 130 interrupted.`)
    .action(async (options: FollowFlags) => {
      process.exitCode = exitCodes[await withStore(options, (store) => followScene(store, options, signal))];
    });
}
