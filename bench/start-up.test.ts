// SPDX-License-Identifier: Apache-2.0
// Holds what each program and thread loads at its start: a module costs half a millisecond and more, in each of a run's six isolates.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a compiled module imports before it runs: the packages that aren't ours, and how many modules are. */
function loadedBy(entry: string): { readonly packages: readonly string[]; readonly ours: number } {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const match of readFileSync(file, 'utf8').matchAll(/^(?:(?:import|export)\b[^'"`;]*?\bfrom|import)\s*['"]([^'"]+)['"]/gm)) {
      const specifier = match[1] ?? '';
      if (specifier.startsWith('node:')) continue;
      if (specifier.startsWith('.') || specifier.startsWith('@altiplano/')) visit(createRequire(file).resolve(specifier));
      else packages.add(specifier);
    }
  };
  visit(`${root}${entry}`);
  return { packages: [...packages].sort(), ours: seen.size };
}

/** Per entry: the packages it may load, and all it may load of ours. */
const allowed: Readonly<Record<string, { readonly packages: readonly string[]; readonly ours: number }>> = {
  'node-agent/dist/src/task-worker.js': { packages: [], ours: 55 },
  'node-agent/dist/src/runners.js': { packages: [], ours: 80 },
  'node-agent/dist/src/isolated-program.js': { packages: ['piscina'], ours: 15 },
  'coordinator/dist/src/work-in-thread.js': { packages: [], ours: 90 },
  'coordinator/dist/src/main.js': { packages: ['commander'], ours: 5 },
  'node-agent/dist/src/main.js': {
    packages: ['@nats-io/jetstream', '@nats-io/kv', '@nats-io/transport-node', 'commander', 'msgpackr', 'pino', 'piscina', 'zod'], ours: 75,
  },
};

for (const [entry, most] of Object.entries(allowed)) {
  test(`${entry} loads what it needs and no more`, (t) => {
    t.true(existsSync(`${root}${entry}`), 'compiled');
    const { packages, ours } = loadedBy(entry);
    t.deepEqual(packages.filter((name) => !most.packages.includes(name)), []);
    t.true(ours > 0 && ours <= most.ours, `${ours} modules of ours, expected at most ${most.ours}`);
  });
}
