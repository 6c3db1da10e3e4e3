// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '../harness/report.js';
import { runScene } from '../pipeline/run-altiplano.js';
import { type AccuracyCase, type AccuracyPorts, type CaseResult, type DsmScore, dataFolder } from './accuracy-case.js';
import { type BoxCoverage, boxCoverage } from './box-coverage.js';
import { compareByCommand } from './compare-command.js';
import { dsmMeasurements } from './synthetic.js';

export interface RealPair {
  readonly name: string;
  readonly images: readonly [string, string];
  /** Another program's DSM: agreement says 'as that one', not 'true'. */
  readonly reference: string;
  readonly goal: (score: DsmScore, box: BoxCoverage) => Check;
}

export const realPairs: readonly RealPair[] = [
  {
    name: 's2p_pair', images: ['img_01.tif', 'img_02.tif'], reference: 'expected_dsm.tif',
    goal: ({ comparison: { completeness, nmad, median }, within1m }) => ({
      what: 's2p_pair: valid >= 92 %, NMAD <= 0.30 m, |median| <= 0.15 m, within 1 m of common cells >= 97 %',
      found: `${percent(completeness)}, ${nmad.toFixed(3)} m, ${median.toFixed(3)} m, ${percent(within1m)}`,
      holds: completeness >= 0.92 && nmad <= 0.3 && Math.abs(median) <= 0.15 && within1m >= 0.97,
    }),
  },
  {
    name: 'gizeh', images: ['img1.tif', 'img2.tif'], reference: 'peer_s2p_dsm.tif',
    goal: ({ comparison: { nmad } }, box) => ({
      what: "gizeh: NMAD <= 1.5 m, more of the reference's box covered than the reference covers",
      found: `${nmad.toFixed(3)} m, ${percent(box.dsm)} of the box (reference: ${percent(box.reference)})`, holds: nmad <= 1.5 && box.dsm > box.reference,
    }),
  },
];

/** Whole runs on the real pairs of the data folder, against other programs' DSMs. */
export const realPairCases: readonly AccuracyCase[] = realPairs.map((pair) => ({ name: `real ${pair.name}`, isQuick: false, measure: (ports) => measurePair(pair, ports) }));

async function measurePair(pair: RealPair, ports: AccuracyPorts): Promise<CaseResult> {
  const folder = dataFolder(pair.name);
  const out = join(ports.out, pair.name);
  mkdirSync(out, { recursive: true });
  const summary = await runScene([...pair.images.map((image) => join(folder, image)), '--out', out, '--resolution', '0.5', '--fresh'], { showProgress: false });
  const product = summary.products['dsm'] ?? '', reference = join(folder, pair.reference);
  const comparison = await compareByCommand(product, reference, ['--out', out]);
  const box = boxCoverage(product, reference);
  const [pointing] = summary.pointing;
  const dsm: DsmScore = {
    name: `real ${pair.name}`, against: pair.reference, comparison, within1m: comparison.completenessWithin1m / comparison.completeness,
    mpxPerCoreSecond: summary.mpx / summary.coreSeconds, pointing: pointing === undefined ? null : { putInPx: null, foundPx: pointing.correctionPx, rmsPx: pointing.rmsPx },
  };
  const labels = { scene: `real ${pair.name}` };
  return {
    dsm, checks: [pair.goal(dsm, box)],
    measurements: [...dsmMeasurements(dsm, labels), { name: 'of the box', labels, unit: '%', better: 'higher', samples: [100 * box.dsm], exact: true }],
  };
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
