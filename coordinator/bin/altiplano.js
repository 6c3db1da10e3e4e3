#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/src/main.js', import.meta.url);
const addon = new URL('../../kernels/build/Release/altiplano_kernels.node', import.meta.url);
if (existsSync(main) && existsSync(addon)) await import(main.href);
else {
  process.stderr.write(`altiplano: not built yet; run 'npm run setup' in ${fileURLToPath(new URL('../..', import.meta.url))}\n`);
  process.exitCode = 1;
}
