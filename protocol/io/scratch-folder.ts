// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** Leftovers of crashed writers are older than this; no write takes as long. */
const staleAfterMs = 24 * 3600 * 1000;

/**
 * Removes from a folder of unfinished files what its writers left behind. Ages are those of the file system, by a file made there now: a program
 * whose own clock is a day ahead would take others' files in the making for old. Where nothing can be written, nothing is removed.
 */
export async function removeStale(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.length === 0) return;
  const probe = join(folder, `now-${randomUUID()}`);
  try {
    const now = await writeFile(probe, '', { flag: 'wx' }).then(() => stat(probe), () => null);
    if (now === null) return;
    for (const name of names) {
      const path = join(folder, basename(name));
      const age = await stat(path).then(({ mtimeMs }) => now.mtimeMs - mtimeMs, () => 0);
      if (age > staleAfterMs) await rm(path, { recursive: true, force: true });
    }
  } finally {
    await rm(probe, { force: true });
  }
}
