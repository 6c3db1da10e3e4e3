// SPDX-License-Identifier: Apache-2.0
// npm run bench -- SUITE [options]: finds the suite, runs it, prints. What a suite is: harness/suite.ts.
import { UsageError } from './harness/options.js';
import { runSuite } from './harness/run-suite.js';
import { MissingDataError, type Suite } from './harness/suite.js';

/** Suites are loaded when asked for: each brings kernels, clients and data of its own. */
const suites: Readonly<Record<string, () => Promise<{ readonly suite: Suite }>>> = {
  'kernels': () => import('./kernels/suite.js'),
  'pipeline': () => import('./pipeline/suite.js'),
  'accuracy': () => import('./accuracy/suite.js'),
  'peers': () => import('./peers/suite.js'),
  'bus': () => import('./bus/suite.js'),
};

/** What isn't a suite: works on reports that suites wrote. */
const commands: Readonly<Record<string, () => Promise<{ readonly run: (args: readonly string[]) => number; readonly summary: string }>>> = {
  compare: () => import('./harness/compare-command.js'),
  report: () => import('./harness/report-command.js'),
};

/** Who reads our output may stop early (`| head`): that is no failure, and there is nobody left to tell. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(process.exitCode ?? 0);
  });
}

async function overview(): Promise<string> {
  const measure = await Promise.all(Object.entries(suites).map(async ([name, load]) => `  ${name.padEnd(11)} ${(await load()).suite.summary}\n`));
  const work = await Promise.all(Object.entries(commands).map(async ([name, load]) => `  ${name.padEnd(11)} ${(await load()).summary}\n`));
  return `npm run bench -- SUITE [options]     measure; --help after a suite's name explains it
npm run bench -- compare A.json B.json   what changed by more than noise

${measure.join('')}
${work.join('')}
docs/benchmarks.md says how to read the figures.
`;
}

async function main([name = '', ...args]: readonly string[]): Promise<number> {
  const load = suites[name], command = commands[name];
  try {
    if (load !== undefined) return await runSuite(name, (await load()).suite, args);
    if (command !== undefined) return (await command()).run(args);
    const isHelp = ['', '--help', '-h', 'help'].includes(name);
    (isHelp && name !== '' ? process.stdout : process.stderr).write(`${isHelp ? '' : `No suite '${name}'. `}${await overview()}`);
    return isHelp && name !== '' ? 0 : 2;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof MissingDataError)) throw error;
    process.stderr.write(`bench ${name}: ${error.message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
