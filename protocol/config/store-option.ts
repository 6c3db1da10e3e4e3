// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';

/** What `addStoreOption` leaves in a command's options. */
export interface StoreFlags { readonly store: string }

/** Adds `--store URL` to a command; where neither flag, variable nor file gives one, that is bad usage. */
export function addStoreOption(command: Command): Command {
  return command.addOption(new Option('--store <url>', 'object store: s3://bucket/prefix or a folder').env('ALTIPLANO_STORE').makeOptionMandatory());
}
