// SPDX-License-Identifier: Apache-2.0
import type { OptionSpec, Options } from './options.js';
import type { Progress } from './progress.js';
import type { Findings } from './report.js';

/** What a suite gets from the dispatcher. */
export interface SuiteContext {
  /** The suite's own options, parsed. */
  readonly options: Options;
  /** --quick: a first look within a minute, fewer cases and repetitions. */
  readonly quick: boolean;
  /** --only NAME: run only what has this in its name; '' = everything. */
  readonly only: string;
  readonly progress: Progress;
}

/**
 * A suite of the bench: `npm run bench -- NAME`. It measures and returns; printing, files and the exit code are the dispatcher's.
 * Throws UsageError for options that make no sense, MissingDataError where its data aren't here, anything else for a failure.
 */
export interface Suite {
  /** One line for the list of suites. */
  readonly summary: string;
  /** What it measures, on what, how to read it, how long it takes. */
  readonly help: string;
  /** Its own options, beside those every suite has (options.ts). */
  readonly options?: Readonly<Record<string, OptionSpec>>;
  readonly run: (context: SuiteContext) => Findings | Promise<Findings>;
}

/** A suite's data are not on this machine: said, exit code 1, and nothing is pretended. */
export class MissingDataError extends Error {
  override readonly name = 'MissingDataError';
}
