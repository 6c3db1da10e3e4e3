// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { drawHillshade, drawImage } from '@altiplano/kernels/raster';
import { InputError } from '@altiplano/protocol';
import { compareByCommand } from '../accuracy/compare-command.js';
import { runScene } from '../pipeline/run-altiplano.js';
import { makeScene } from '../scenes/make-scene.js';

const help = `Makes a small synthetic town with exact ground truth, photographs it from two orbit positions (with a pointing
error of 3 pixels), runs Altiplano on the pair as a user would, and compares the DSM with the truth.

Usage: npm run demo -- [--out DIR] [--size PX] [--json]
  --out DIR   folder for everything: a new one, or that of an earlier demo, which is replaced (default: demo-out)
  --size PX   side of the images in pixels of 0.5 m (default: 1024)
  --json      end standard output with one line: the JSON of 'altiplano run' plus 'comparison'
Exit code: 0, 1 if a step fails, 2 for bad usage.
`;

async function demo(): Promise<number> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: 'demo-out' }, size: { type: 'string', default: '1024' },
      json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const out = resolve(values.out);
  const say = (text: string): boolean => process.stderr.write(`${text}\n`);
  const scene = join(out, 'scene');
  await emptyFolder(out);

  say('demo: making a synthetic town with exact truth');
  const manifest = await makeScene({ directory: scene, terrain: 'city', size: Number(values.size), pointingError: [3] }, (text) => say(`  ${text}`));
  say('demo: altiplano run');
  const summary = await runScene([...manifest.views.map((view) => join(scene, view.file)), '--out', out, '--resolution', '0.5']);
  const dsm = summary.products.dsm ?? '';
  const comparison = await compareByCommand(dsm, join(scene, manifest.truth.seen), ['--out', out]);
  const pictures = { truth: join(out, 'truth-hillshade.png'), image: join(out, 'image.png') };
  drawHillshade(join(scene, manifest.truth.dsm), pictures.truth, { maxSize: 1600 });
  drawImage(join(scene, manifest.views[0]?.file ?? ''), pictures.image, { maxSize: 1600 });

  const here = (path: string | null | undefined): string => relative(process.cwd(), path ?? '');
  const pointing = summary.pointing[0];
  say([
    '',
    `Accuracy against the exact truth, on ground that both images see (${manifest.truth.seenCells} cells of 0.5 m):`,
    `  with a value    ${percent(comparison.completeness)}    within 1 m  ${percent(comparison.completenessWithin1m)}`,
    `  median |error|  ${comparison.medianAbs.toFixed(3)} m   NMAD ${comparison.nmad.toFixed(3)} m   bias (median) ${comparison.median.toFixed(3)} m   p99 ${comparison.p99.toFixed(2)} m`,
    ...(pointing === undefined ? [] : [`  pointing error  3 px put in, ${Math.abs(pointing.correctionPx).toFixed(2)} px found (${pointing.inliers} matches, rms ${pointing.rmsPx?.toFixed(2) ?? '-'} px)`]),
    `Speed: ${summary.mpx.toFixed(2)} Mpx in ${summary.wallSeconds.toFixed(1)} s, ${(summary.mpx / summary.coreSeconds).toFixed(3)} Mpx per core-second`,
    'Look at:',
    `  ${here(summary.products.hillshade)}  the DSM`,
    `  ${here(pictures.truth)}  the truth`,
    `  ${here(pictures.image)}  the reference image`,
    `  ${here(comparison.png)}  DSM minus truth`,
    `  ${here(summary.products.report)}  the report`,
    `  ${here(dsm)}  the DSM itself: QGIS opens it`,
  ].join('\n'));
  if (values.json) process.stdout.write(`${JSON.stringify({ ...summary, comparison })}\n`);
  return 0;
}

/** Makes the folder new. Throws InputError for one that holds anything but an earlier demo: it may be someone's home. */
async function emptyFolder(folder: string): Promise<void> {
  const mark = join(folder, '.altiplano-demo');
  const found = existsSync(folder) ? await readdir(folder) : [];
  const isDemo = existsSync(mark) || existsSync(join(folder, 'scene', 'scene.json'));
  if (found.length > 0 && !isDemo) throw new InputError(`${folder} holds files that are not an earlier demo's; choose another --out, or remove it`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(mark, '');
}

async function main(): Promise<number> {
  try {
    return await demo();
  } catch (error) {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
    const isUsage = error instanceof InputError || (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));
    return isUsage ? 2 : 1;
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

process.exitCode = await main();
