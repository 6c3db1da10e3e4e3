// SPDX-License-Identifier: Apache-2.0
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** Leftovers of crashed writers are older than this; no write takes as long. */
const staleAfterMs = 24 * 3600 * 1000;

/** Removes from a folder of unfinished files what its writers left behind. */
export async function removeStale(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, basename(name));
    const age = await stat(path).then(({ mtimeMs }) => Date.now() - mtimeMs, () => 0);
    if (age > staleAfterMs) await rm(path, { recursive: true, force: true });
  }
}
