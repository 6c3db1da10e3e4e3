// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { UsageError } from '../harness/options.js';
import type { Findings, TableInput } from '../harness/report.js';
import { MissingDataError, type Suite, type SuiteContext } from '../harness/suite.js';
import { defaultSceneCache } from '../scenes/cached-scene.js';
import type { CaseResult, DisparityScore, DsmScore } from './accuracy-case.js';
import { conesCases } from './cones.js';
import { realPairCases } from './real-pairs.js';
import { subPixelCases } from './sub-pixel.js';
import { syntheticCases } from './synthetic.js';

const cases = [...syntheticCases, ...realPairCases, ...conesCases, ...subPixelCases];

export const suite: Suite = {
  summary: 'DSMs and disparities against truth: synthetic scenes, real pairs, Cones, sub-pixel',
  help: `Runs altiplano as a user would on synthetic scenes with exact truth (terrain classes, base-to-height ratios, pointing errors, noise) and on the
real pairs of the data folder (ALTIPLANO_DATA), and compares the DSMs with the truth, or with other programs' DSMs. It also runs the matcher alone, with
the product's defaults, on Cones of Middlebury 2003 and on pairs with exact sub-pixel truth. --only towns, --only real, --only cones and --only sub-pixel run
a part.

Goals: synthetic scenes with a base-to-height ratio of 0.4 to 0.6: within 1 m >= 97 %, median |error| <= 0.10 m, |bias| <= 0.05 m; Cones: bad1 <= 4.0 %, mean <= 0.45 px,
>= 98 % valid. Scenes are made once and kept. --quick: two small scenes, Cones, one plane.`,
  options: {
    size: { value: 'PX', help: 'side of the synthetic images (default: 1024; with --quick 384)' },
    scenes: { value: 'DIR', help: 'where synthetic scenes are kept', default: defaultSceneCache, isPlace: true },
    out: { value: 'DIR', help: 'where products are written', default: 'out/accuracy', isPlace: true },
  },
  run,
};

async function run({ options, quick, only, progress }: SuiteContext): Promise<Findings> {
  const chosen = cases.filter(({ name, isQuick }) => name.includes(only) && (isQuick || !quick));
  if (chosen.length === 0) throw new UsageError(`no case matches '${only}'; there are ${cases.map(({ name }) => `'${name}'`).join(', ')}`);
  const ports = {
    size: options.text('size') === '' ? (quick ? 384 : 1024) : options.count('size', 64),
    scenes: resolve(options.text('scenes')), out: resolve(options.text('out')),
  };
  const results: CaseResult[] = [];
  const missing: string[] = [];
  for (const [i, { name, measure }] of chosen.entries()) {
    progress.step(i, chosen.length, name);
    try {
      results.push(await measure(ports));
    } catch (error) {
      if (!(error instanceof MissingDataError)) throw error;
      missing.push(`${name}: ${error.message}`);
    }
  }
  if (results.length === 0) throw new MissingDataError(missing.join('\n'));
  for (const what of missing) progress.say(`not measured: ${what}`);
  const dsms = results.flatMap(({ dsm }) => dsm ?? []), disparities = results.flatMap(({ disparity }) => disparity ?? []);
  return {
    measurements: results.flatMap(({ measurements }) => measurements),
    tables: [...(dsms.length === 0 ? [] : [dsmTable(dsms, missing)]), ...(disparities.length === 0 ? [] : [disparityTable(disparities)])],
    checks: results.flatMap(({ checks }) => checks ?? []),
  };
}

function dsmTable(scores: readonly DsmScore[], missing: readonly string[]): TableInput {
  const notes = `Synthetic scenes against their exact truth on the ground both images see; real pairs against another program's DSM, where '<1 m' counts cells valid in both.
    bias: median error. Pointing: error put in, correction found, rms after, pixels across the epipolar lines.`;
  return {
    title: 'DSMs', note: [notes, ...missing.map((what) => `Not measured: ${what}`)].join(' '),
    columns: [{ name: 'scene', align: 'left' }, { name: 'against', align: 'left' },
      ...['valid %', '<1 m %', 'med|e| m', 'bias m', 'NMAD m', 'RMSE m', 'p95 m', 'p99 m', 'pointing px', 'Mpx/core-s'].map((name) => ({ name }))],
    rows: scores.map(({ name, against, comparison: c, within1m, mpxPerCoreSecond, pointing }) => [
      name, against, (100 * c.completeness).toFixed(2), (100 * within1m).toFixed(2),
      ...[c.medianAbs, c.median, c.nmad, c.rmse].map((metres) => metres.toFixed(3)), c.p95.toFixed(2), c.p99.toFixed(2),
      pointing === null ? '-' : `${pointing.putInPx ?? '?'}, ${pointing.foundPx.toFixed(2)}, ${pointing.rmsPx?.toFixed(2) ?? '-'}`, mpxPerCoreSecond.toFixed(3),
    ]),
  };
}

function disparityTable(scores: readonly DisparityScore[]): TableInput {
  return {
    title: 'Disparities, pixels',
    note: `Filtered results of the matcher alone. bad1: share with an error above 1 px among the valid ones. locking: the largest bias over the ten tenths of a pixel a
      true disparity can end in. whole-pixel ratio: share of disparities within 0.1 px of a whole pixel over the truth's share, 1 = no staircase.`,
    columns: [{ name: 'scene', align: 'left' }, ...['valid %', 'bad1 %', 'mean', 'median', 'p90', 'p99', 'bias', 'locking', 'whole-pixel ratio'].map((name) => ({ name }))],
    rows: scores.map((s) => [
      s.name, s.validPercent.toFixed(2), s.bad1Percent.toFixed(2), ...[s.meanPx, s.medianPx, s.p90Px, s.p99Px].map((px) => px.toFixed(3)),
      ...[s.biasPx, s.lockingPx].map((px) => px?.toFixed(4) ?? '-'), s.wholePixelRatio?.toFixed(3) ?? '-',
    ]),
  };
}
