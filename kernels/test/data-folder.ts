// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * A path inside the folder of real images, $ALTIPLANO_DATA or shared/data beside the repository; null where it is
 * missing, which is then said loudly: the caller skips what it tests with it.
 */
export function dataPath(log: (message: string) => void, ...parts: readonly string[]): string | null {
  const folder = process.env['ALTIPLANO_DATA'] ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url));
  const path = join(folder, ...parts);
  if (existsSync(path)) return path;
  log(`SKIPPED, NOT TESTED: ${path} is missing. Set ALTIPLANO_DATA to the folder of real images.`);
  return null;
}
