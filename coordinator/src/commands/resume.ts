// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { type OrderFlags, addOrderOptions, orderExitCodes, orderScene } from './scene-order.js';

/** Adds `altiplano resume --scene S` to the program. `signal` aborts on SIGINT and SIGTERM. */
export function registerResume(program: Command, signal: AbortSignal): void {
  addOrderOptions(program.command('resume'))
    .addHelpText('after', `
Examples:
  altiplano resume --scene town --store s3://scenes/prod --nats nats://bus:4222
  altiplano resume --scene town --wait

The bus may be new and empty: tasks that the plan needs and the ledger does not have are published again. Dead tasks stay dead;
altiplano replay --scene ID --dead runs them again.
${orderExitCodes}`)
    .action((options: OrderFlags) => orderScene('resume', 'to be resumed', options, signal));
}
