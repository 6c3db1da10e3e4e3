// SPDX-License-Identifier: Apache-2.0
import { parseOptions, UsageError } from './options.js';
import { readReport } from './read-report.js';
import { writeReport } from './run-suite.js';

export const summary = 'print a report again, or make its HTML page: report FILE.json [--html FILE]';

/** `bench report FILE.json [--html FILE]`. Throws UsageError. */
export function run(args: readonly string[]): number {
  const { options, positionals: [file, ...rest] } = parseOptions(args, { html: { value: 'FILE', help: 'write it as one self-contained HTML page' } });
  if (file === undefined || rest.length > 0) throw new UsageError('expected one report: npm run bench -- report FILE.json [--html FILE]');
  writeReport(readReport(file), '', options.text('html'));
  return 0;
}
