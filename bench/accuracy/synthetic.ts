// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UsageError } from '../harness/options.js';
import type { Findings, MeasurementInput } from '../harness/report.js';
import type { Suite, SuiteContext } from '../harness/suite.js';
import { runScene } from '../pipeline/run-altiplano.js';
import { makeScene } from '../scenes/make-scene.js';
import type { SceneOptions } from '../scenes/options.js';
import { compareByCommand } from './compare-command.js';

type Case = Omit<SceneOptions, 'directory' | 'size'> & { readonly name: string };

/** The terrain classes, with and without pointing error, over the base-to-height ratios the goals are stated for. */
const cases: readonly Case[] = [
  { name: 'flat-0.5', terrain: 'flat', baseToHeight: 0.5 },
  { name: 'city-0.5', terrain: 'city', baseToHeight: 0.5 },
  { name: 'city-0.5-pointing-8', terrain: 'city', baseToHeight: 0.5, pointingError: [8] },
  { name: 'city-0.4', terrain: 'city', baseToHeight: 0.4, seed: 2 },
  { name: 'city-0.6', terrain: 'city', baseToHeight: 0.6, seed: 3 },
  { name: 'hills-0.5-pointing--4', terrain: 'hills', baseToHeight: 0.5, pointingError: [-4], seed: 4 },
  { name: 'mountains-0.5', terrain: 'mountains', baseToHeight: 0.5, seed: 5 },
  { name: 'mountains-0.5-pointing-8', terrain: 'mountains', baseToHeight: 0.5, pointingError: [8], seed: 5 },
];

export const suite: Suite = {
  summary: 'whole runs on synthetic scenes against their exact truth',
  help: `Makes synthetic scenes with exact truth (terrain classes, base-to-height ratios, pointing errors), runs altiplano on each as a user would, and
compares the DSM with the truth on the ground both images see. Goals: within 1 m >= 97 %, median |error| <= 0.10 m, |bias| <= 0.05 m. About
half a minute a scene of 1024 px.`,
  options: {
    size: { value: 'PX', help: 'side of the images', default: '1024' },
    out: { value: 'DIR', help: 'where scenes and products go', default: 'out/synthetic' },
  },
  run,
};

async function run({ options: given, only, progress }: SuiteContext): Promise<Findings> {
  const chosen = cases.filter((c) => c.name.includes(only));
  if (chosen.length === 0) throw new UsageError(`no case matches '${only}'; there are ${cases.map((c) => c.name).join(', ')}`);
  const size = given.count('size', 64);
  const measurements: MeasurementInput[] = [];
  const rows: string[][] = [];
  for (const [i, { name, ...options }] of chosen.entries()) {
    progress.step(i, chosen.length, name);
    const directory = resolve(given.text('out'), name);
    await rm(directory, { recursive: true, force: true });
    const manifest = await makeScene({ ...options, directory: join(directory, 'scene'), size });
    const summary = await runScene(
      [...manifest.views.map((view) => join(directory, 'scene', view.file)), '--out', directory, '--resolution', '0.5'],
      { showProgress: false });
    const comparison = await compareByCommand(summary.products.dsm ?? '', join(directory, 'scene', manifest.truth.seen), ['--out', directory]);
    const [pointing] = summary.pointing;
    const exact = (what: string, unit: string, better: 'higher' | 'lower', value: number): MeasurementInput =>
      ({ name: what, labels: { scene: name, size }, unit, better, samples: [value], exact: true });
    measurements.push(
      exact('valid', '%', 'higher', 100 * comparison.completeness), exact('within 1 m', '%', 'higher', 100 * comparison.completenessWithin1m),
      exact('median |error|', 'm', 'lower', comparison.medianAbs), exact('|bias|', 'm', 'lower', Math.abs(comparison.median)),
      exact('NMAD', 'm', 'lower', comparison.nmad), exact('p99', 'm', 'lower', comparison.p99),
      { name: 'run', labels: { scene: name, size }, unit: 'Mpx per core-second', better: 'higher', samples: [summary.mpx / summary.coreSeconds] });
    rows.push([
      name, (100 * comparison.completeness).toFixed(2), (100 * comparison.completenessWithin1m).toFixed(2),
      comparison.medianAbs.toFixed(3), comparison.median.toFixed(3), comparison.nmad.toFixed(3), comparison.p99.toFixed(2),
      `${String(manifest.pairs[0]?.pointing.acrossPx ?? 0)}, ${pointing?.correctionPx.toFixed(2) ?? '-'}, ${pointing?.rmsPx?.toFixed(2) ?? '-'}`,
      (summary.mpx / summary.coreSeconds).toFixed(3),
    ]);
  }
  return {
    measurements,
    tables: [{
      title: 'Synthetic scenes against their exact truth', note: 'pointing: error put in, correction found, rms after, pixels',
      columns: [{ name: 'scene', align: 'left' },
        ...['valid %', '<1 m %', 'med|e| m', 'bias m', 'NMAD m', 'p99 m', 'pointing px', 'Mpx/core-s'].map((column) => ({ name: column }))],
      rows,
    }],
  };
}
