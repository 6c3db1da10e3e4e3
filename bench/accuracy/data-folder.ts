// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder with real pairs and reference values: ALTIPLANO_DATA, else ../shared/data beside the checkout; null where there is none. */
export function dataFolder(): string | null {
  const folder = process.env.ALTIPLANO_DATA ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url));
  return existsSync(join(folder, 's2p_pair')) ? folder : null;
}
