// SPDX-License-Identifier: Apache-2.0
import { describeOptions, type OptionSpecs, parseOptions, UsageError } from './options.js';
import { readReport } from './read-report.js';
import { writeReport } from './run-suite.js';

export const summary = 'print a report again, or make its HTML page: report FILE.json [--html FILE]';

const specs: OptionSpecs = {
  html: { value: 'FILE', help: 'write it as one self-contained HTML page' },
  help: { help: 'this text' },
};

const help = `npm run bench -- report FILE.json [options]

Prints a report that a suite wrote with --json, as the suite printed it, and makes its HTML page.

Options:
${describeOptions(specs)}
Exit code: 0, 2 for bad usage.
`;

/** `bench report FILE.json [--html FILE]`. Throws UsageError. */
export function run(args: readonly string[]): number {
  const { options, positionals: [file, ...rest] } = parseOptions(args, specs);
  if (options.is('help')) {
    process.stdout.write(help);
    return 0;
  }
  if (file === undefined || rest.length > 0) throw new UsageError('expected one report: npm run bench -- report FILE.json [--html FILE]');
  writeReport(readReport(file), '', options.text('html'));
  return 0;
}
