// SPDX-License-Identifier: Apache-2.0
// npm run chaos: a real scene on real processes, while things break. docs/chaos.md says how to read it.
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { UsageError, describeOptions, parseOptions } from '../harness/options.js';
import { runSeeds } from './run-seeds.js';
import { type FaultKind, faultKinds, isFaultKind, scheduleOf } from './schedule.js';
import { parseSeeds, quickSeeds } from './seeds.js';
import { formatRun, formatSummary, replayCommand, reportOf } from './summary.js';

const specs = {
  seeds: { value: 'N-M', help: 'seeds to run, as in 1-200 or 3,7,20-30', default: '1-20' },
  only: { value: 'KIND,...', help: 'inject only faults of these kinds' },
  quick: { help: 'a few seeds that together have every kind of fault; about three minutes' },
  keep: { value: 'DIR', help: 'where runs that deviate leave their logs and store', default: join(tmpdir(), 'altiplano-chaos') },
  json: { value: 'FILE', help: 'write all runs as JSON; - for standard output' },
  help: { help: 'this text' },
};

const help = `npm run chaos [-- OPTIONS]

Runs a small scene on real processes (nats-server, two coordinators, two or three agents) once per seed, breaks things meanwhile, and compares
the result with an undisturbed run. The seed decides what breaks and when. Needs an S3 server (Ceph's, as the tests do) and libfaketime.

${describeOptions(specs)}
Kinds of fault:
${Object.entries(faultKinds).map(([name, about]) => `  ${name.padEnd(18)} ${about}\n`).join('')}
Exit codes: 0 no run deviates, 1 some do, 2 bad usage, 130 interrupted. docs/chaos.md says more.
`;

function kindsOf(text: string): FaultKind[] {
  const names = text.split(',').map((name) => name.trim());
  const kinds = names.filter(isFaultKind);
  if (kinds.length < names.length) throw new UsageError(`Expected some of ${Object.keys(faultKinds).join(', ')} for --only but received '${text}'`);
  return kinds;
}

async function main(args: readonly string[]): Promise<number> {
  const { options } = parseOptions(args, specs);
  if (options.is('help')) {
    process.stdout.write(help);
    return 0;
  }
  const seeds = parseSeeds(options.is('quick') ? quickSeeds : options.text('seeds'));
  const only = options.text('only');
  const among = only === '' ? undefined : kindsOf(only);
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { interrupted.abort(new Error('interrupted')); });
  const say = (text: string): void => { process.stderr.write(text); };

  const runs = await runSeeds(seeds.map((seed) => scheduleOf(seed, among)), {
    keep: resolve(options.text('keep')),
    onRun(run, kept) {
      say(formatRun(run));
      if (kept !== null) say(`  kept in ${kept}\n  again: ${replayCommand(run.schedule.seed, only)}\n`);
    },
  }, interrupted.signal);

  process.stdout.write(formatSummary(runs, seeds.length));
  const json = options.text('json');
  const report = `${JSON.stringify(reportOf(runs), null, 2)}\n`;
  if (json === '-') process.stdout.write(report);
  else if (json !== '') await writeFile(json, report);
  return interrupted.signal.aborted ? 130 : runs.length < seeds.length || runs.some(({ deviations }) => deviations.length > 0) ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`chaos: ${error.message}\n`);
  process.exitCode = 2;
}
