// SPDX-License-Identifier: Apache-2.0
import type { BenchReport, Check, Machine, Table } from './report.js';
import { failedChecks } from './report.js';

/** What a terminal is expected to show on one line. */
const terminalColumns = 118;

/** A table as text, columns two spaces apart, trailing blanks cut. Names of columns may have lines. A last column of words that is too wide is broken into lines. */
export function formatTable({ title, note, columns, rows }: Table): string {
  const heads = columns.map(({ name }) => name.split('\n')), headLines = Math.max(...heads.map((lines) => lines.length));
  const widths = heads.map((lines, i) => Math.max(...lines.map((part) => part.length), ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]): string => columns
    .map(({ align }, i) => (align === 'left' ? (cells[i] ?? '').padEnd(widths[i] ?? 0) : (cells[i] ?? '').padStart(widths[i] ?? 0)))
    .join('  ').trimEnd();
  const last = columns.length - 1;
  const before = widths.slice(0, last).reduce((sum, width) => sum + width + 2, 0);
  const broken = rows.flatMap((row) => {
    if (columns[last]?.align !== 'left' || before + (widths[last] ?? 0) <= terminalColumns) return [row];
    return wrap(row[last] ?? '', terminalColumns - before).split('\n').map((part, i) => [...row.slice(0, last).map((cell) => (i === 0 ? cell : '')), part]);
  });
  const head = Array.from({ length: headLines }, (_, k) => line(heads.map((lines) => lines[lines.length - headLines + k] ?? '')));
  return [title, ...head, ...broken.map(line), ...(note === '' ? [] : [wrap(note, terminalColumns)])]
    .map((text) => `${text}\n`).join('');
}

/** The whole report for a terminal: what it was measured on, its tables, and what doesn't hold. */
export function formatReport(report: BenchReport): string {
  const { suite, machine, commit, versions, seconds } = report;
  const failed = failedChecks(report);
  const total = report.checks.length + report.measurements.reduce((sum, m) => sum + m.correctness.length, 0);
  return [
    `${suite}: ${describeMachineShort(machine)}\n`,
    `${commit === null ? 'no commit' : `commit ${commit.hash.slice(0, 10)}${commit.modified ? ' (modified)' : ''}`}, ` +
      `${Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', ')}; took ${seconds.toFixed(0)} s\n\n`,
    report.tables.map((table) => formatTable(table)).join('\n'),
    report.checks.length > 0 ? `\n${report.checks.map(formatCheck).join('')}` : '',
    total > 0 ? `\n${total - failed.length} of ${total} checks hold\n` : '',
    ...failed.filter((check) => !report.checks.includes(check)).map(formatCheck),
  ].join('');
}

export const describeMachineShort = (machine: Machine): string =>
  `${machine.cpu}, ${machine.cores} ${machine.cores === 1 ? 'core' : 'cores'}, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB, ${machine.os}`;

const formatCheck = ({ what, found, holds }: Check): string => `  ${holds ? 'holds ' : 'FAILS '} ${what}: ${found}\n`;

/** Breaks a text between words. */
export function wrap(text: string, width: number): string {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.join('\n');
}
