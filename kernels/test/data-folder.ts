// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * A path inside the folder of real images and reference values, $ALTIPLANO_DATA or ../shared/data beside the checkout;
 * null where it is missing, which is said loudly: the caller skips what it would test with it. The one place that knows
 * where the data are; tests and benches of all packages reach it as `@altiplano/kernels/testing`.
 */
export function dataPath(log: (message: string) => void, ...parts: readonly string[]): string | null {
  const folder = process.env['ALTIPLANO_DATA'] ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url));
  const path = join(folder, ...parts);
  if (existsSync(path)) return path;
  log(`SKIPPED, NOT TESTED: ${path} is missing. Set ALTIPLANO_DATA to the data folder.`);
  return null;
}
