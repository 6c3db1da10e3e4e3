// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { commonOptions, describeOptions, type OptionSpecs, parseOptions, UsageError } from './options.js';
import { htmlPage } from './html-page.js';
import { stderrProgress } from './progress.js';
import { type BenchReport, failedChecks, findingsSchema, reportSchema } from './report.js';
import type { Suite } from './suite.js';
import { describeCommit, describeMachine, describeVersions } from './surroundings.js';
import { formatReport, wrap } from './terminal.js';

/**
 * Runs a suite with the arguments behind its name: files first, then the terminal, so that a reader who stops reading early loses nothing.
 * Returns the exit code: 1 where a check doesn't hold. Throws UsageError.
 */
export async function runSuite(name: string, suite: Suite, args: readonly string[]): Promise<number> {
  const specs: OptionSpecs = { ...suite.options, ...commonOptions };
  const { options, positionals } = parseOptions(args, specs);
  if (options.is('help')) {
    process.stdout.write(suiteHelp(name, suite));
    return 0;
  }
  if (positionals.length > 0) throw new UsageError(`${name} takes options only, but received '${positionals.join(' ')}'`);
  const progress = stderrProgress(name);
  const begun = performance.now(), date = new Date().toISOString();
  const findings = findingsSchema.parse(await suite.run({ options, quick: options.is('quick'), only: options.text('only'), progress }));
  progress.end();
  const parameters = Object.fromEntries(Object.entries(options.all).filter(([option]) => specs[option]?.isPlace !== true));
  const report = reportSchema.parse({
    format: 'altiplano-bench-1', suite: name, date, machine: describeMachine(), commit: describeCommit(), versions: describeVersions(),
    parameters, seconds: (performance.now() - begun) / 1000, ...findings,
  });
  writeReport(report, options.text('json'), options.text('html'));
  return failedChecks(report).length === 0 ? 0 : 1;
}

/** Writes the files asked for ('' = none), then the terminal; JSON on standard output ('-') takes the tables' place. */
export function writeReport(report: BenchReport, json: string, html: string): void {
  if (html !== '') writeFileSync(html, htmlPage(report));
  if (json !== '' && json !== '-') writeFileSync(json, `${JSON.stringify(report, null, 1)}\n`);
  process.stdout.write(json === '-' ? `${JSON.stringify(report)}\n` : formatReport(report));
}

function suiteHelp(name: string, suite: Suite): string {
  const text = suite.help.split(/\n\s*\n/).map((paragraph) => wrap(paragraph.trim(), 100)).join('\n\n');
  return `npm run bench -- ${name} [options]\n\n${text}\n\nOptions:\n${describeOptions({ ...suite.options, ...commonOptions })}
Exit code: 0, 1 if a check doesn't hold or the data are missing, 2 for bad usage.
`;
}
