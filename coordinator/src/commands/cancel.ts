// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { type OrderFlags, addOrderOptions, orderScene } from './scene-order.js';

/** Adds `altiplano cancel --scene S` to the program. `signal` aborts on SIGINT and SIGTERM. */
export function registerCancel(program: Command, signal: AbortSignal): void {
  addOrderOptions(program.command('cancel'))
    .addHelpText('after', `
Examples:
  altiplano cancel --scene town --store s3://scenes/prod --nats nats://bus:4222
  altiplano cancel --scene town --wait && altiplano clean --scene town     stop it, then delete all it made

altiplano resume --scene ID continues it.

Exit codes: 0 ordered (with --wait: cancelled), 1 if it had failed before, 3 if it was partial before, 2 bad usage or input, 130 interrupted.`)
    .action((options: OrderFlags) => orderScene('cancel', 'to be cancelled', options, signal));
}
