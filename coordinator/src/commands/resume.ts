// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { type OrderFlags, addOrderOptions, orderExitCodes, orderScene } from './scene-order.js';

/** Adds `altiplano resume --scene S` to the program. `signal` aborts on SIGINT and SIGTERM. */
export function registerResume(program: Command, signal: AbortSignal): void {
  addOrderOptions(program.command('resume'))
    .description('go on with a scene that failed, was cancelled or is partial: all it needs is in the store')
    .addHelpText('after', `
Examples:
  altiplano resume --scene town --store s3://scenes/prod --nats nats://bus:4222
  altiplano resume --scene town --wait

The bus may be a new, empty one: what the plan wants and the ledger does not have is published again. Tasks that are dead stay so;
altiplano replay --scene ID --dead asks for them again.
${orderExitCodes}`)
    .action((options: OrderFlags) => orderScene('resume', 'to be resumed', options, signal));
}
