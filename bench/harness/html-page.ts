// SPDX-License-Identifier: Apache-2.0
import { barsSvg, stackSvg } from './charts/bars.js';
import { linesSvg } from './charts/lines.js';
import { rooflineSvg } from './charts/roofline.js';
import { escapeHtml } from './charts/svg.js';
import { pageStyle } from './page-style.js';
import type { BenchReport, Chart, Check, Table } from './report.js';
import { failedChecks } from './report.js';

/** A report as one HTML page that requests nothing from anywhere: charts, tables, checks, and what it was measured on. */
export function htmlPage(report: BenchReport): string {
  const title = escapeHtml(`Altiplano bench: ${report.suite}`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
<h1>${escapeHtml(report.suite)}</h1>
<p class="sub">Altiplano bench, ${escapeHtml(report.date.slice(0, 16).replace('T', ' '))} UTC</p>
${facts(report)}
${verdict(report)}
</header>
<main>
<div class="charts">
${report.charts.map(figure).join('\n')}
</div>
${report.tables.map(section).join('\n')}
${report.checks.length === 0 ? '' : `<section><h2>Checks</h2><ul class="checks">${report.checks.map(checkItem).join('')}</ul></section>`}
</main>
</body>
</html>
`;
}

function facts({ machine, commit, versions, parameters, seconds }: BenchReport): string {
  const caches = Object.entries(machine.caches).map(([name, bytes]) => `${name} ${bytes >= 1 << 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`}`).join(', ');
  const options = Object.entries(parameters).map(([name, value]) => `--${name}${value === true ? '' : ` ${String(value)}`}`).join(' ');
  const entries: readonly (readonly [string, string])[] = [
    ['machine', `${machine.cpu}, ${machine.cores} ${machine.cores === 1 ? 'core' : 'cores'}${caches === '' ? '' : `, ${caches}`}, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB`],
    ['system', `${machine.os}, ${machine.arch}`],
    ['commit', commit === null ? 'not in a checkout' : `${commit.hash.slice(0, 12)}${commit.modified ? ', modified' : ''}`],
    ['versions', Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', ')],
    ['run', `${seconds.toFixed(0)} s${options === '' ? '' : `, ${options}`}`],
  ];
  return `<dl>${entries.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl>`;
}

function verdict(report: BenchReport): string {
  const failed = failedChecks(report);
  const total = report.checks.length + report.measurements.reduce((sum, m) => sum + m.correctness.length, 0);
  if (total === 0) return '';
  if (failed.length === 0) return `<p class="verdict good">All ${total} checks hold.</p>`;
  return `<div class="verdict bad"><p>${failed.length} of ${total} checks do not hold:</p><ul class="checks">${failed.map(checkItem).join('')}</ul></div>`;
}

const checkItem = ({ what, found, holds }: Check): string =>
  `<li class="${holds ? 'good' : 'bad'}"><b>${holds ? 'holds' : 'FAILS'}</b> ${escapeHtml(what)}: ${escapeHtml(found)}</li>`;

const drawings = {
  roofline: rooflineSvg, lines: linesSvg, stack: stackSvg, bars: barsSvg,
} as const;

function figure(chart: Chart): string {
  const draw = drawings[chart.kind] as (chart: Chart) => string;
  return `<figure><h2>${escapeHtml(chart.title)}</h2><div class="wide">${draw(chart)}</div>${chart.note === '' ? '' : `<figcaption>${escapeHtml(chart.note)}</figcaption>`}</figure>`;
}

function section({ title, note, columns, rows }: Table): string {
  const cells = (row: readonly string[], tag: 'td' | 'th'): string =>
    columns.map(({ align }, i) => `<${tag} class="${align}">${escapeHtml(row[i] ?? '')}</${tag}>`).join('');
  return `<section><h2>${escapeHtml(title)}</h2><div class="wide"><table><thead><tr>${cells(columns.map((column) => column.name), 'th')}</tr></thead>
<tbody>${rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('\n')}</tbody></table></div>${note === '' ? '' : `<p class="note">${escapeHtml(note)}</p>`}</section>`;
}
