// SPDX-License-Identifier: Apache-2.0
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** One option: `value` names what follows it ('PX'), absent for a switch. */
export interface OptionSpec {
  readonly value?: string;
  readonly help: string;
  readonly default?: string;
  /** It says where files are: no part of what is measured, and of no report. */
  readonly isPlace?: true;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** Bad usage: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface Options {
  /** Whether a switch was given. */
  is(name: string): boolean;
  /** An option's text, its default, or ''. */
  text(name: string): string;
  /** A whole number of at least `least`. Throws UsageError. */
  count(name: string, least?: number): number;
  /** Comma-separated whole numbers of at least `least`. Throws UsageError. */
  counts(name: string, least?: number): number[];
  /** Everything, for the report's parameters. */
  readonly all: Readonly<Record<string, string | boolean>>;
}

/** What every suite understands. */
export const commonOptions: OptionSpecs = {
  json: { value: 'FILE', help: 'write the report with its samples, machine, commit and versions as JSON; - for standard output', isPlace: true },
  html: { value: 'FILE', help: 'write the report as one self-contained HTML page', isPlace: true },
  quick: { help: 'a first look: fewer cases and repetitions' },
  only: { value: 'NAME', help: 'run only what has NAME in its name' },
  help: { help: 'this text' },
};

/**
 * Parses arguments. --json without a file means standard output. Throws UsageError which names the argument and what there is.
 */
export function parseOptions(args: readonly string[], specs: OptionSpecs): { readonly options: Options; readonly positionals: readonly string[] } {
  const config: NonNullable<ParseArgsConfig['options']> = Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [name, { type: spec.value === undefined ? 'boolean' as const : 'string' as const }]));
  const filled = args.flatMap((arg, i) => (arg === '--json' && (args[i + 1] ?? '--').startsWith('--') ? ['--json', '-'] : [arg]));
  let parsed;
  try {
    parsed = parseArgs({ args: joinNegatives(filled, specs), options: config, allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}. There are ${Object.keys(specs).map((name) => `--${name}`).join(', ')}`);
  }
  const all: Record<string, string | boolean> = {};
  for (const [name, spec] of Object.entries(specs)) {
    const given = parsed.values[name];
    if (typeof given === 'string' || typeof given === 'boolean') all[name] = given;
    else if (spec.default !== undefined) all[name] = spec.default;
  }
  const text = (name: string): string => (typeof all[name] === 'string' ? all[name] : '');
  const whole = (name: string, word: string, least: number): number => {
    const value = Number(word);
    if (word.trim() === '' || !Number.isInteger(value) || value < least) {
      throw new UsageError(`Expected a whole number of at least ${least} for --${name} but received '${word}'`);
    }
    return value;
  };
  return {
    positionals: parsed.positionals,
    options: {
      all, text,
      is: (name) => all[name] === true,
      count: (name, least = 1) => whole(name, text(name), least),
      counts: (name, least = 1) => text(name).split(',').map((word) => whole(name, word, least)),
    },
  };
}

/** parseArgs refuses '--x -' and '--x -4' as ambiguous; '--x=-4' it takes. */
function joinNegatives(args: readonly string[], specs: OptionSpecs): string[] {
  const joined: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '', next = args[i + 1];
    const takesValue = arg.startsWith('--') && specs[arg.slice(2)]?.value !== undefined;
    if (takesValue && next !== undefined && /^-(\d|$)/.test(next)) joined.push(`${arg}=${args[++i] ?? ''}`);
    else joined.push(arg);
  }
  return joined;
}

/** The options as help text, one per line. */
export function describeOptions(specs: OptionSpecs): string {
  const heads = Object.entries(specs).map(([name, { value }]) => `--${name}${value === undefined ? '' : ` ${value}`}`);
  const width = Math.max(...heads.map((head) => head.length));
  return Object.values(specs).map((spec, i) =>
    `  ${(heads[i] ?? '').padEnd(width)}  ${spec.help}${spec.default === undefined || spec.default === '' ? '' : ` (default: ${spec.default})`}\n`).join('');
}
