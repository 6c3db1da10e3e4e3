// SPDX-License-Identifier: Apache-2.0
import { type Change, compareDefaults, compareReports, type ReportComparison } from './compare.js';
import { describeOptions, type OptionSpecs, parseOptions, UsageError } from './options.js';
import { readReport } from './read-report.js';
import { formatTable, wrap } from './terminal.js';

export const summary = 'what changed by more than noise: compare A.json B.json [A2.json B2.json ...] [--fail-on-regression]';

const specs: OptionSpecs = {
  'fail-on-regression': { help: 'exit with code 1 if anything got worse, or is missing from B' },
  'threshold': { value: '%', help: 'ignore smaller changes', default: String(100 * compareDefaults.threshold) },
  'all': { help: 'also list what stayed the same' },
  'json': { value: 'FILE', help: 'print the comparison as JSON; FILE must be -, standard output' },
  'help': { help: 'this text' },
};

const help = `npm run bench -- compare A.json B.json [A2.json B2.json ...] [options]

${wrap(`Compares reports of one suite, measurement by measurement. A timed measurement counts as changed if a two-sided Mann-Whitney test on the samples rejects chance,
corrected for the number of measurements (Benjamini and Hochberg: at most 5 % of the changes reported are false, and at most 5 % of comparisons of pure noise
report any), and the medians differ by more than the threshold. [low, high] is the 95 % bootstrap interval of the ratio of medians. If there are too few samples for the test, nothing is claimed. Accuracy and other exact
values count as changed if they differ by 0.5 %, and as 'moved' if they differ by less.`, 100)}

${wrap(`Two runs differ by more than their samples show, because of neighbours, clock and memory layout. For a verdict that matters run A, B, A, B and name all
four in this order. Then it is known by how much two runs of the same program differ, and only changes that are larger than 95 % of those differences count.`, 100)}

Options:
${describeOptions(specs)}
Exit code: 0; 1 with --fail-on-regression if anything got worse or is missing; 2 for bad usage.
`;

/** `bench compare A.json B.json`. Throws UsageError. */
export function run(args: readonly string[]): number {
  const { options, positionals } = parseOptions(args, specs);
  if (options.is('help')) {
    process.stdout.write(help);
    return 0;
  }
  if (positionals.length < 2 || positionals.length % 2 > 0) {
    throw new UsageError('expected two reports, or more in turns: npm run bench -- compare A.json B.json [A2.json B2.json ...]');
  }
  const threshold = Number(options.text('threshold')) / 100;
  if (!(threshold >= 0)) throw new UsageError(`Expected a percentage for --threshold but received '${options.text('threshold')}'`);
  const reports = positionals.map(readReport);
  const comparison = compareReports(reports.filter((_, i) => i % 2 === 0), reports.filter((_, i) => i % 2 === 1), { ...compareDefaults, threshold });
  process.stdout.write(options.text('json') === '-' ? `${JSON.stringify(comparison)}\n` : formatComparison(comparison, options.is('all')));
  const regressed = comparison.changes.some(({ verdict }) => verdict === 'worse') || comparison.onlyBefore.length > 0;
  return options.is('fail-on-regression') && regressed ? 1 : 0;
}

/** The comparison for a terminal: the worst first; what stayed the same only with `all`. */
export function formatComparison({ changes, onlyBefore, onlyAfter, runNoise, warnings }: ReportComparison, all: boolean): string {
  const shown = changes.filter(({ verdict }) => all || ['better', 'worse', 'moved'].includes(verdict)).sort((a, b) => severity(b) - severity(a));
  const count = (verdict: Change['verdict']): number => changes.filter((change) => change.verdict === verdict).length;
  const figure = (value: number): string => String(Number(value.toPrecision(4)));
  const percent = (ratio: number): string => (Number.isFinite(ratio) ? `${ratio >= 1 ? '+' : ''}${(100 * (ratio - 1)).toFixed(1)}` : '-');
  const table = formatTable({
    title: 'Changes beyond noise', note: '',
    columns: [{ name: 'measurement', align: 'left' }, { name: 'before', align: 'right' }, { name: 'after', align: 'right' }, { name: 'unit', align: 'left' },
      { name: '%', align: 'right' }, { name: '[low, high]', align: 'right' }, { name: 'p', align: 'right' }, { name: 'verdict', align: 'left' }],
    rows: shown.map((c) => [c.key, figure(c.before), figure(c.after), c.unit, percent(c.ratio),
      c.interval === null ? '' : `[${percent(c.interval[0])}, ${percent(c.interval[1])}]`, c.p === null ? '' : c.p.toPrecision(2), c.verdict]),
  });
  const list = (title: string, keys: readonly string[]): string => (keys.length === 0 ? '' : `${title}\n${keys.map((key) => `  ${key}\n`).join('')}`);
  return [
    shown.length === 0 ? '' : table,
    list('Only before:', onlyBefore), list('Only after:', onlyAfter),
    runNoise === null ? '' : `Runs of one program differ by up to ${(100 * runNoise).toFixed(1)} % (95 % of the timed measurements): only larger changes count\n`,
    // At the end, where a terminal shows it: the table may be long.
    ...warnings.map((warning) => `warning: ${warning}\n`),
    `${changes.length} compared: ${count('worse')} worse, ${count('better')} better, ${count('moved')} moved a little, ${count('same')} the same within noise, ${count('unknown')} with too few samples to tell\n`,
  ].join('');
}

const severity = ({ verdict, ratio }: Change): number => ({ worse: 400, better: 300, moved: 200, unknown: 100, same: 0 })[verdict] + Math.min(49, Math.abs(Math.log(ratio)) || 0);
