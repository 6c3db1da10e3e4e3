#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/src/main.js', import.meta.url);
const addon = new URL('../../kernels/build/Release/altiplano_kernels.node', import.meta.url);
if (existsSync(main) && existsSync(addon)) {
  // The agent is a program of its own; here it only has a name to be found by.
  const first = process.argv.findIndex((word, i) => i > 1 && !word.startsWith('-'));
  const isHelp = process.argv[first] === 'help';
  if (process.argv[isHelp ? first + 1 : first] === 'agent') {
    process.argv.splice(first, isHelp ? 2 : 1, ...(isHelp ? ['--help'] : []));
    await import('../../node-agent/bin/altiplano-agent.js');
  } else await import(main.href);
} else {
  process.stderr.write(`altiplano: not built yet; run 'npm run setup' in ${fileURLToPath(new URL('../..', import.meta.url))}\n`);
  process.exitCode = 1;
}
