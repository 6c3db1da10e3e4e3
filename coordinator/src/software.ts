// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourcesHash } from '@altiplano/kernels';

const { version } = createRequire(import.meta.url)('../../package.json') as { readonly version: string };

/** Compiled code that a scene's results depend on, beside the addon. */
const codeFolders = ['protocol/dist/src', 'protocol/dist/io', 'kernels/dist/lib', 'kernels/dist/raster', 'node-agent/dist/src', 'coordinator/dist/src'];

/**
 * Names this program exactly: the version, and 12 hex digits of the hash of its compiled TypeScript and of the addon's C++ sources,
 * e.g. 0.1.0+3f9a0c2b71de. The same on every machine for the same sources. It is part of a scene's identity, so that what
 * another program left in a store is never taken for this one's.
 */
export function softwareId(): string {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const hash = createHash('sha256').update(sourcesHash);
  for (const folder of codeFolders) {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.js') && !name.endsWith('.test.js') && !name.startsWith('testing/'));
    for (const name of names.sort()) hash.update(`${folder}/${name}\0`).update(readFileSync(join(root, folder, name))).update('\0');
  }
  return `${version}+${hash.digest('hex').slice(0, 12)}`;
}
