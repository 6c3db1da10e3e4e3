// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { htmlPage } from './html-page.js';
import { UsageError } from './options.js';
import { readReport } from './read-report.js';
import { findingsSchema, measurementKey } from './report.js';
import { formatReport, formatTable } from './terminal.js';
import { makeReport, timed } from './testing/reports.js';

const hostile = `<script>alert("&')</script>`;

const full = makeReport([{
  ...timed('sgm', [1.5, 2.5], { size: 64, target: 'AVX2' }), derived: { 'MDE/s': 1500 }, limits: [{ name: 'compute', share: 0.4 }],
  correctness: [{ what: 'equals its twin', found: 'equal', holds: true }],
}], {
  tables: [{ title: `Table ${hostile}`, note: `how to read ${hostile}`, columns: [{ name: 'kernel', align: 'left' }, { name: 'ms', align: 'right' }], rows: [[hostile, '1.5'], ['census', '10.25']] }],
  charts: [
    { kind: 'roofline', title: 'Roofline', note: '', operation: 'lane bytes', compute: [{ name: 'int8', perSecond: 4e11 }], bandwidth: [{ name: `L2 ${hostile}`, bytesPerSecond: 1e11 }],
      dots: [{ name: `sgm ${hostile}`, perByte: 10, perSecond: 1e10 }] },
    { kind: 'lines', title: 'Scaling', note: '', x: 'agents', y: 'speed', series: [{ name: `measured ${hostile}`, ideal: false, points: [[1, 1], [2, 1.9]] }, { name: 'ideal', ideal: true, points: [[1, 1], [2, 2]] }] },
    { kind: 'stack', title: 'Stages', note: '', unit: 'ms', bars: [{ name: `tile ${hostile}`, parts: [{ name: 'sgm', value: 3 }, { name: 'rest', value: 0 }] }] },
    { kind: 'bars', title: 'Targets', note: '', unit: '%', groups: [{ name: 'sgm', bars: [{ name: 'AVX2', value: 45, low: 40, high: 50 }, { name: 'SSE4', value: 0 }] }] },
  ],
  checks: [{ what: `2 Mpx per core-second ${hostile}`, found: '1.9', holds: false }],
});

test('a report survives the way through a JSON file', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'altiplano-bench-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'a.json');
  writeFileSync(file, JSON.stringify(full));
  t.deepEqual(readReport(file), full);
});

test('what is no report is refused with the file and the place that is wrong', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'altiplano-bench-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'a.json');
  const refuse = (content: string, message: RegExp): void => {
    writeFileSync(file, content);
    t.throws(() => readReport(file), { instanceOf: UsageError, message });
  };
  refuse('{"format": "other"}', /a\.json isn't a report.*format/s);
  refuse(JSON.stringify({ ...full, measurements: [{ ...full.measurements[0], samples: ['fast'] }] }), /samples/);
  refuse('not JSON', /can't read .*a\.json/);
  t.throws(() => readReport(join(folder, 'missing.json')), { instanceOf: UsageError });
});

test('samples that are no numbers are refused before they reach a file as null', (t) => {
  t.false(findingsSchema.safeParse({ measurements: [timed('a', [NaN])] }).success);
  t.false(findingsSchema.safeParse({ measurements: [timed('a', [])] }).success);
  t.true(findingsSchema.safeParse({ measurements: [timed('a', [1])] }).success);
});

test('the order of labels is not part of a measurement\'s identity', (t) => {
  t.is(measurementKey({ name: 'sgm', labels: { size: 64, range: 2 } }), measurementKey({ name: 'sgm', labels: { range: 2, size: 64 } }));
  t.not(measurementKey({ name: 'sgm', labels: { size: 64 } }), measurementKey({ name: 'sgm', labels: { size: 65 } }));
});

test('the page holds machine, commit, every table and chart, and the checks that fail first', (t) => {
  const page = htmlPage(full);
  for (const expected of ['Abacus 3000', '0123456789ab', 'L2 1 MiB', '10.25', 'Roofline', 'Scaling', 'Stages', 'Targets', '1 of 2 checks do not hold']) t.true(page.includes(expected), expected);
  t.is(page.match(/<svg /g)?.length, 4);
  t.is(page.match(/<table>/g)?.length, 1);
  t.true(page.indexOf('do not hold') < page.indexOf('Roofline'));
});

test('the page escapes every word of a report, and requests nothing', (t) => {
  const page = htmlPage(full);
  t.notRegex(page, /<script|alert\("/);
  t.true((page.match(/&lt;script&gt;alert\(&quot;&amp;&#39;\)&lt;\/script&gt;/g)?.length ?? 0) >= 8);
  t.notRegex(page, /\b(src|href)=|url\(|@import|https?:/);
});

test('no figure of a chart is left undefined', (t) => {
  t.notRegex(htmlPage(full), /NaN|undefined|Infinity/);
});

test('a table is aligned, its numbers to the right', (t) => {
  const table = { title: 'T', note: '', columns: [{ name: 'kernel', align: 'left' as const }, { name: 'ms', align: 'right' as const }], rows: [['sgm', '1.5'], ['census', '10.25']] };
  t.is(formatTable(table), 'T\nkernel     ms\nsgm       1.5\ncensus  10.25\n');
  const lines = { ...table, columns: [{ name: 'kernel', align: 'left' as const }, { name: 'one thread\nms', align: 'right' as const }] };
  t.is(formatTable(lines), 'T\n        one thread\nkernel          ms\nsgm            1.5\ncensus       10.25\n', 'names of several lines end on the same one');
});

test('the terminal says what fails, of measurements and of the suite', (t) => {
  const wrong = { what: 'equals its twin', found: 'different', holds: false };
  t.regex(formatReport(makeReport([{ ...timed('sgm', [1]), correctness: [wrong] }])), /0 of 1 checks hold\n {2}FAILS {2}equals its twin: different\n/);
  t.regex(formatReport(full), /\n {2}FAILS {2}2 Mpx per core-second.*\n\n1 of 2 checks hold\n/);
});
