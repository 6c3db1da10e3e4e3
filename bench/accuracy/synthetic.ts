// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Check, MeasurementInput } from '../harness/report.js';
import { runScene } from '../pipeline/run-altiplano.js';
import { cachedScene } from '../scenes/cached-scene.js';
import type { SceneOptions } from '../scenes/options.js';
import type { AccuracyCase, AccuracyPorts, CaseResult, DsmScore } from './accuracy-case.js';
import { compareByCommand } from './compare-command.js';

type Settings = Omit<SceneOptions, 'directory' | 'size'>;

interface SyntheticScene extends Settings {
  readonly name: string;
  readonly isQuick?: true;
  /** The goals hold for ordinary pairs: noise of 5 DN, base-to-height 0.4 to 0.6. */
  readonly hasGoals?: false;
}

/** Terrain classes x base-to-height (the number behind the class) x pointing error (pixels) x noise (DN at a mean signal of 750). */
const scenes: readonly SyntheticScene[] = [
  { name: 'flat 0.5', terrain: 'flat', baseToHeight: 0.5 },
  { name: 'towns 0.5', terrain: 'city', baseToHeight: 0.5, isQuick: true },
  { name: 'towns 0.5 pointing 8', terrain: 'city', baseToHeight: 0.5, pointingError: [8] },
  { name: 'towns 0.4', terrain: 'city', baseToHeight: 0.4, seed: 2 },
  { name: 'towns 0.6', terrain: 'city', baseToHeight: 0.6, seed: 3 },
  { name: 'towns 0.25', terrain: 'city', baseToHeight: 0.25, seed: 2, hasGoals: false },
  { name: 'towns 0.5 noise 20', terrain: 'city', baseToHeight: 0.5, noise: 20, hasGoals: false },
  { name: 'hills 0.5 pointing -4', terrain: 'hills', baseToHeight: 0.5, pointingError: [-4], seed: 4, isQuick: true },
  { name: 'hills 0.25', terrain: 'hills', baseToHeight: 0.25, seed: 4, hasGoals: false },
  { name: 'mountains 0.5', terrain: 'mountains', baseToHeight: 0.5, seed: 5 },
  { name: 'mountains 0.5 pointing 8', terrain: 'mountains', baseToHeight: 0.5, pointingError: [8], seed: 5 },
  { name: 'mountains 0.5 noise 20', terrain: 'mountains', baseToHeight: 0.5, noise: 20, seed: 5, hasGoals: false },
];

/** The smallest side the goals are stated for: in smaller scenes the rim weighs more. */
const goalSize = 1024;

/** Whole runs on synthetic scenes, against their exact truth on the ground both images see. */
export const syntheticCases: readonly AccuracyCase[] = scenes.map(({ name, isQuick = false, hasGoals = true, ...settings }) => ({
  name, isQuick, measure: (ports) => measureScene(name, settings, hasGoals && ports.size >= goalSize, ports),
}));

async function measureScene(name: string, settings: Settings, hasGoals: boolean, ports: AccuracyPorts): Promise<CaseResult> {
  const out = join(ports.out, name.replaceAll(' ', '-'));
  await rm(out, { recursive: true, force: true });
  const { images, truth, manifest } = await cachedScene(ports.scenes, { ...settings, size: ports.size });
  const summary = await runScene([...images, '--out', out, '--resolution', '0.5'], { showProgress: false });
  const comparison = await compareByCommand(summary.products['dsm'] ?? '', truth, ['--out', out]);
  const [pointing] = summary.pointing;
  const dsm: DsmScore = {
    name, against: 'exact truth', comparison, within1m: comparison.completenessWithin1m, mpxPerCoreSecond: summary.mpx / summary.coreSeconds,
    pointing: pointing === undefined ? null : { putInPx: manifest.pairs[0]?.pointing.acrossPx ?? 0, foundPx: pointing.correctionPx, rmsPx: pointing.rmsPx },
  };
  return { dsm, measurements: dsmMeasurements(dsm, { scene: name, size: ports.size }), checks: hasGoals ? [goals(dsm)] : [] };
}

function goals({ name, comparison: { completenessWithin1m, medianAbs, median } }: DsmScore): Check {
  return {
    what: `${name}: within 1 m >= 97 %, median |error| <= 0.10 m, |bias| <= 0.05 m`,
    found: `${(100 * completenessWithin1m).toFixed(2)} %, ${medianAbs.toFixed(3)} m, ${median.toFixed(3)} m`,
    holds: completenessWithin1m >= 0.97 && medianAbs <= 0.1 && Math.abs(median) <= 0.05,
  };
}

/** What of a DSM's score is kept as figures of its own. */
export function dsmMeasurements({ comparison: c, within1m, mpxPerCoreSecond }: DsmScore, labels: MeasurementInput['labels']): MeasurementInput[] {
  const exact = (name: string, unit: string, better: 'higher' | 'lower', value: number): MeasurementInput =>
    ({ name, labels, unit, better, samples: [value], exact: true });
  return [
    exact('valid', '%', 'higher', 100 * c.completeness), exact('within 1 m', '%', 'higher', 100 * within1m),
    exact('median |error|', 'm', 'lower', c.medianAbs), exact('|bias|', 'm', 'lower', Math.abs(c.median)), exact('NMAD', 'm', 'lower', c.nmad),
    exact('RMSE', 'm', 'lower', c.rmse), exact('p95', 'm', 'lower', c.p95), exact('p99', 'm', 'lower', c.p99),
    { name: 'run', labels, unit: 'Mpx per core-second', better: 'higher', samples: [mpxPerCoreSecond] },
  ];
}
