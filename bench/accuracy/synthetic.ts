// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
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

/**
 * Synthetic scenes with exact truth through the whole road; a table of accuracy on the ground seen by both images.
 * Usage: npm run bench -- synthetic [--size 1024] [--only NAME] [--out DIR] [--json]
 */
export async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      size: { type: 'string', default: '1024' }, only: { type: 'string' },
      out: { type: 'string', default: 'out/synthetic' }, json: { type: 'boolean', default: false },
    },
  });
  const chosen = cases.filter((c) => values.only === undefined || c.name.includes(values.only));
  if (chosen.length === 0) {
    process.stderr.write(`synthetic: no case matches '${values.only ?? ''}'; there are ${cases.map((c) => c.name).join(', ')}\n`);
    return 2;
  }
  const results = [];
  process.stderr.write('goals: within 1 m >= 97 %, median |error| <= 0.10 m, |bias| <= 0.05 m\n');
  process.stderr.write(`${'scene'.padEnd(26)} valid %  <1 m %  med|e| m  bias m  NMAD m  p99 m  pointing px (in, found, rms)  Mpx/core-s\n`);
  for (const { name, ...options } of chosen) {
    const directory = resolve(values.out, name);
    await rm(directory, { recursive: true, force: true });
    const manifest = await makeScene({ ...options, directory: join(directory, 'scene'), size: Number(values.size) });
    const summary = await runScene(
      [...manifest.views.map((view) => join(directory, 'scene', view.file)), '--out', directory, '--resolution', '0.5'],
      { showProgress: false });
    const comparison = await compareByCommand(summary.products.dsm ?? '', join(directory, 'scene', manifest.truth.seen), ['--out', directory]);
    const [pointing] = summary.pointing;
    results.push({ name, options, summary, comparison, expectedCorrection: manifest.pairs[0]?.expectedCorrection });
    process.stderr.write([
      name.padEnd(26), (100 * comparison.completeness).toFixed(2).padStart(7), (100 * comparison.completenessWithin1m).toFixed(2).padStart(7),
      comparison.medianAbs.toFixed(3).padStart(9), comparison.median.toFixed(3).padStart(7), comparison.nmad.toFixed(3).padStart(7),
      comparison.p99.toFixed(2).padStart(6),
      `  ${String(manifest.pairs[0]?.pointing.acrossPx ?? 0)}, ${pointing?.correctionPx.toFixed(2) ?? '-'}, ${pointing?.rmsPx?.toFixed(2) ?? '-'}`.padEnd(30),
      (summary.mpx / summary.coreSeconds).toFixed(3), '\n',
    ].join(' '));
  }
  if (values.json) process.stdout.write(`${JSON.stringify(results)}\n`);
  return 0;
}
