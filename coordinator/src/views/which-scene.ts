// SPDX-License-Identifier: Apache-2.0
import { InputError } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import { plannedSceneIds } from './local-run.js';
import { catalogSceneIds } from './read-cluster.js';

const mostListed = 10;

/** The scene that is named, or else the only one of the store: that of a local run has but one. Throws InputError where it has none, or several. */
export async function whichScene(store: Pick<ObjectStore, 'list' | 'url'>, named: string | undefined): Promise<string> {
  if (named !== undefined) return named;
  const submitted = await catalogSceneIds(store);
  const [only, ...others] = submitted.length > 0 ? submitted : await plannedSceneIds(store);
  if (only === undefined) throw new InputError(`store ${store.url}: has no scenes; altiplano run and altiplano submit make some`);
  if (others.length === 0) return only;
  const more = others.length >= mostListed ? ', ... (altiplano scenes lists all)' : '';
  throw new InputError(`--scene: ${store.url} has ${others.length + 1} scenes, say which: ${[only, ...others].slice(0, mostListed).join(', ')}${more}`);
}
