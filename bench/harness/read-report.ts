// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { UsageError } from './options.js';
import { type BenchReport, reportSchema } from './report.js';

/** Reads a report of the bench. Throws UsageError which names the file and what is wrong with it. */
export function readReport(path: string): BenchReport {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`can't read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = reportSchema.safeParse(content);
  if (!parsed.success) throw new UsageError(`${path} isn't a report of this bench:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
