// SPDX-License-Identifier: Apache-2.0
import type { BenchReport, Check, Table } from './report.js';
import { failedChecks } from './report.js';
import { describeMachineShort } from './terminal.js';

/** Text as HTML shows it. */
export const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');

/** A report as one HTML page that requests nothing from anywhere. */
export function htmlPage(report: BenchReport): string {
  const title = escapeHtml(`Altiplano bench: ${report.suite}`);
  const failed = failedChecks(report);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<h1>${title}</h1>
<p>${escapeHtml(describeMachineShort(report.machine))}</p>
${failed.length === 0 ? '' : `<h2>Does not hold</h2><ul>${failed.map(checkItem).join('')}</ul>`}
${report.tables.map(tableSection).join('\n')}
${report.checks.length === 0 ? '' : `<h2>Checks</h2><ul>${report.checks.map(checkItem).join('')}</ul>`}
</html>
`;
}

const checkItem = ({ what, found, holds }: Check): string => `<li>${holds ? 'holds' : 'FAILS'}: ${escapeHtml(what)}: ${escapeHtml(found)}</li>`;

function tableSection({ title, note, columns, rows }: Table): string {
  const cells = (row: readonly string[], tag: 'td' | 'th'): string =>
    columns.map(({ align }, i) => `<${tag} class="${align}">${escapeHtml(row[i] ?? '')}</${tag}>`).join('');
  return `<section><h2>${escapeHtml(title)}</h2><p>${escapeHtml(note)}</p><div class="wide"><table><thead><tr>${cells(columns.map((c) => c.name), 'th')}</tr></thead>
<tbody>${rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('\n')}</tbody></table></div></section>`;
}
