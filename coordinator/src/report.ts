// SPDX-License-Identifier: Apache-2.0
import type { ScenePlan } from '@altiplano/protocol';
import type { OutcomeTally } from './outcome-tally.js';
import type { LayerStatistics } from './product-layers.js';
import { reportStyle } from './report-style.js';
import { type TileCounts, matchOverhead, referenceMpx } from './scene-result.js';
import type { Pointing } from './solve-pointing.js';

export interface ReportInputs {
  readonly plan: ScenePlan;
  readonly statistics: LayerStatistics;
  readonly tiles: TileCounts;
  readonly tally: OutcomeTally;
  readonly pointing: readonly Pointing[];
  /** Core seconds per stage; 'stereo.match' is part of 'stereo'. */
  readonly timings: Readonly<Record<string, number>>;
  readonly verticalDatum: string;
  readonly version: string;
  readonly processedAt: Date;
  /** Pictures as data URIs. */
  readonly pictures: readonly { readonly title: string; readonly note: string; readonly uri: string }[];
  readonly products: readonly { readonly file: string; readonly bytes: number }[];
}

/** The quality report of a scene: one self-contained HTML page without scripts, that reads well on paper too. */
export function reportHtml(inputs: ReportInputs): string {
  const { plan, tally, processedAt, version, pictures } = inputs;
  const state = tally.dead.count > 0 ? 'partial' : 'complete';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(plan.sceneId)} - Altiplano report</title>
<style>${reportStyle}</style>
</head>
<body>
<main>
<header>
<h1>${escaped(plan.sceneId)}</h1>
<p><span class="badge ${state}">${state}</span> Digital surface model, ${escaped(String(plan.request.resolution))} m, ${escaped(plan.crs)}, heights above the ${escaped(inputs.verticalDatum)}</p>
</header>
${keyFigures(inputs)}
<section class="pictures">
${pictures.map(({ title, note, uri }) => `<figure><img src="${escaped(uri)}" alt="${escaped(title)}"><figcaption><b>${escaped(title)}</b> ${escaped(note)}</figcaption></figure>`).join('\n')}
</section>
${warningsOf(plan)}
${coverage(inputs.statistics)}
${histogram(inputs.statistics)}
${pairs(inputs)}
${times(inputs)}
${ledger(inputs)}
${files(inputs)}
<footer>Altiplano ${escaped(version)}, ${escaped(processedAt.toISOString())}</footer>
</main>
</body>
</html>
`;
}

function keyFigures({ plan, statistics, tiles, tally, pointing }: ReportInputs): string {
  const [valid, noPoint, , dead] = statistics.reasons;
  const residuals = pointing.map(({ rmsPx }) => rmsPx).filter(Number.isFinite);
  const figures = [
    ['of the ground seen has a height', percent(valid / (valid + noPoint + dead))],
    ['lowest to highest', valid > 0 ? `${fixed(statistics.minHeight, 1)} to ${fixed(statistics.maxHeight, 1)} m` : 'none'],
    ['mean confidence', fixed(statistics.meanConfidence, 2)],
    ['tiles done, empty, dead', `${count(tiles.done)} / ${count(tiles.empty)} / ${count(tiles.dead)}`],
    ['pointing residual', residuals.length === 0 ? 'none' : `${fixed(Math.max(...residuals), 2)} px`],
    ['pixels matched per pixel delivered', fixed(matchOverhead(plan, tally), 2)],
  ] as const;
  return `<dl class="figures">${figures.map(([name, value]) => `<div><dd>${escaped(value)}</dd><dt>${escaped(name)}</dt></div>`).join('')}</dl>`;
}

function warningsOf({ warnings }: ScenePlan): string {
  return warnings.length === 0 ? '' : `<section><h2>Warnings</h2><ul>${warnings.map((text) => `<li>${escaped(text)}</li>`).join('')}</ul></section>`;
}

function coverage({ reasons, grid, points }: LayerStatistics): string {
  const total = reasons.reduce((a, b) => a + b, 0);
  const names = [['valid', 'has a height'], ['no-point', 'no match, occluded or rejected'], ['outside', 'not seen by any pair'], ['dead', 'task failed'], ['outside-roi', 'outside of the region of interest']] as const;
  const shown = names.flatMap(([kind, text], i) => (kind === 'outside-roi' && reasons[i] === 0 ? [] : [[kind, text, i] as const]));
  const share = (index: number): number => (reasons[index] ?? 0) / total;
  return `<section><h2>Coverage</h2>
<div class="bar">${names.map(([kind], i) => (share(i) === 0 ? '' : `<span class="${kind}" style="width:${(100 * share(i)).toFixed(3)}%"></span>`)).join('')}</div>
${table(['Cells', 'Count', 'Share'], shown.map(([kind, text, i]) => [`<i class="key ${kind}"></i>${escaped(text)}`, count(reasons[i] ?? 0), percent(share(i))]))}
<p>${count(grid.width)} x ${count(grid.height)} cells of ${escaped(String(grid.resolution))} m, ${escaped(((grid.width * grid.height * grid.resolution ** 2) / 1e6).toFixed(3))} km²; ${count(points)} points.</p></section>`;
}

function histogram({ histogram: { from, to, bins }, minHeight, maxHeight, meanHeight, meanSpread }: LayerStatistics): string {
  if (bins.length === 0) return '';
  const tallest = Math.max(...bins);
  const bars = bins.map((n, i) => `<rect x="${10 * i}" y="${(120 - (120 * n) / tallest).toFixed(2)}" width="9" height="${((120 * n) / tallest).toFixed(2)}"/>`);
  const labels = [0, 0.25, 0.5, 0.75, 1].map((t) =>
    `<text x="${640 * t}" y="138" text-anchor="${t === 0 ? 'start' : t === 1 ? 'end' : 'middle'}">${escaped(fixed(from + t * (to - from), 1))} m</text>`);
  return `<section><h2>Heights</h2><svg viewBox="0 0 640 144" role="img" aria-label="Histogram of heights">${bars.join('')}${labels.join('')}</svg>
<p>Mean ${escaped(fixed(meanHeight, 2))} m, all from ${escaped(fixed(minHeight, 2))} to ${escaped(fixed(maxHeight, 2))} m; the first and last bar hold the outer 0.1 %. The points of a cell spread by ${escaped(fixed(meanSpread, 2))} m on average.</p></section>`;
}

function pairs({ plan, pointing }: ReportInputs): string {
  const images = plan.images.map(({ index, source, rpcSource, width, height, gsdM }) =>
    [String(index), escaped(lastPart(source)), escaped(lastPart(rpcSource)), `${count(width)} x ${count(height)}`, `${escaped(fixed(gsdM, 3))} m`]);
  const rows = plan.pairs.map(({ id, baseToHeight, overlapAreaM2 }) => {
    const p = pointing.find(({ pairId }) => pairId === id);
    const pixels = (value = NaN): string => (Number.isFinite(value) ? `${value.toFixed(2)} px` : '-');
    return [
      escaped(id.replace('_', ' / ')), escaped(fixed(baseToHeight, 3)), `${escaped(fixed(overlapAreaM2 / 1e6, 3))} km²`, escaped(p?.reason ?? p?.model ?? '-'),
      `${count(p?.inliers ?? 0)} of ${count(p?.matches ?? 0)}`, pixels(p?.correctionPx), pixels(p?.medianPx), pixels(p?.medianAfterPx), pixels(p?.rmsPx),
    ];
  });
  return `<section><h2>Images and pointing</h2>
${table(['Image', 'File', 'Camera model from', 'Pixels', 'Ground sample'], images)}
${table(['Pair', 'Base / height', 'Overlap', 'Correction', 'Matches kept', 'Size', 'Median before', 'Median after', 'RMS after'], rows)}
<p>Pointing errors are measured across the epipolar lines, where terrain can't explain them.</p></section>`;
}

function times({ plan, timings, tally }: ReportInputs): string {
  const entries = Object.entries(timings);
  const longest = Math.max(1e-9, ...entries.map(([, seconds]) => seconds));
  const total = entries.filter(([stage]) => !stage.includes('.')).reduce((sum, [, seconds]) => sum + seconds, 0);
  const mpx = referenceMpx(plan);
  const rows = entries.map(([stage, seconds]) => {
    const [of, part] = stage.split('.');
    const bar = `<div class="bar thin"><span class="${part === undefined ? 'valid' : 'no-point'}" style="width:${((100 * seconds) / longest).toFixed(2)}%"></span></div>`;
    return [part === undefined ? escaped(of ?? '') : `<span class="part">${escaped(part)}</span>`, `${escaped(fixed(seconds, 2))} s`, bar];
  });
  return `<section><h2>Time</h2>${table(['Stage', 'Seconds', ''], rows)}
<p>Stages, and their parts indented, in core seconds.
Up to publishing: ${escaped(fixed(total, 1))} core seconds for ${escaped(fixed(mpx, 2))} Mpx of reference image, ${escaped(fixed(mpx / total, 4))} Mpx per core second;
${escaped(fixed(matchOverhead(plan, tally), 2))} pixels matched at full resolution per pixel delivered.</p></section>`;
}

function ledger({ tally, tiles }: ReportInputs): string {
  const { dead, stereo: rows, stereoTasks } = tally;
  const reasons = Object.entries(tally.emptyReasons);
  const number = (value: number | undefined): string => (value === undefined ? '-' : count(value));
  return `<section><h2>Tile ledger</h2>
<p>${count(tiles.planned)} tiles planned: ${count(tiles.done)} done, ${count(tiles.empty)} empty, ${count(tiles.dead)} dead.</p>
${reasons.length === 0 ? '' : table(['Empty tasks because of', 'Count'], reasons.sort(([a], [b]) => (a < b ? -1 : 1)).map(([why, n]) => [escaped(why), count(n)]))}
${dead.count === 0 ? '' : table(['Dead task', 'Kind', 'Stage', 'Attempts', 'Error'], dead.first.map((task) =>
    [escaped(task.taskId), escaped(task.kind), escaped(task.error?.stage ?? '-'), count(task.attempts), `${escaped(task.error?.code ?? '')}: ${escaped(task.error?.message ?? '')}`]))}
<details><summary>All tasks at full resolution${stereoTasks > rows.length ? `, the first ${count(rows.length)} of ${count(stereoTasks)}` : ''}</summary>
${table(['Task', 'State', 'Reason', 'Attempts', 'Agent', 'Seconds', 'Disparities', 'Valid cells'], rows.map((task) => [
    escaped(task.taskId), `<span class="badge ${task.state}">${task.state}</span>`, escaped(task.reason ?? task.error?.code ?? ''), count(task.attempts),
    escaped(task.agent), escaped(fixed(task.wallSeconds, 2)), number(task.metrics['disparities']), number(task.metrics['validCells']),
  ]))}</details></section>`;
}

function files({ products }: ReportInputs): string {
  return `<section><h2>Files</h2>${table(['File', 'Size'], products.map(({ file, bytes }) => [`<a href="${escaped(encodeURI(file))}">${escaped(file)}</a>`, `${count(Math.ceil(bytes / 1000))} kB`]))}</section>`;
}

/** A table of cells that are HTML already. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (tag: string, cells: readonly string[]): string => `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<div class="scroll"><table><thead>${line('th', head.map(escaped))}</thead><tbody>${rows.map((row) => line('td', row)).join('\n')}</tbody></table></div>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
}

const fixed = (value: number, digits: number): string => (Number.isFinite(value) ? value.toFixed(digits) : '-');
const percent = (share: number): string => (Number.isFinite(share) ? `${(100 * share).toFixed(2)} %` : '-');
const count = (value: number): string => Math.round(value).toLocaleString('en-US');
const lastPart = (path: string): string => path.split('/').at(-1) ?? path;
