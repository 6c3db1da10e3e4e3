// SPDX-License-Identifier: Apache-2.0
import type { Comparison } from '@altiplano/coordinator';
import { dataPath } from '@altiplano/kernels/testing';
import type { Check, MeasurementInput } from '../harness/report.js';
import { MissingDataError } from '../harness/suite.js';

/** Where a case may put things. */
export interface AccuracyPorts {
  /** Side of the synthetic images, pixels. */
  readonly size: number;
  /** Folder of scenes that are made once. */
  readonly scenes: string;
  /** Folder of products; each case uses one of its own below it. */
  readonly out: string;
}

/** One scene and how well it comes out. `measure` throws MissingDataError where its data aren't on this machine. */
export interface AccuracyCase {
  readonly name: string;
  readonly isQuick: boolean;
  readonly measure: (ports: AccuracyPorts) => CaseResult | Promise<CaseResult>;
}

export interface CaseResult {
  readonly dsm?: DsmScore;
  readonly disparity?: DisparityScore;
  readonly measurements: readonly MeasurementInput[];
  readonly checks?: readonly Check[];
}

/** A DSM against its truth, or another program's. */
export interface DsmScore {
  readonly name: string;
  readonly against: string;
  readonly comparison: Comparison;
  /** Share of cells within 1 m, of all the truth's cells, or of those valid in both where the reference has holes of its own. */
  readonly within1m: number;
  readonly mpxPerCoreSecond: number;
  /** Error put into the RPCs across the epipolar lines, where it is known, and the correction found, pixels. */
  readonly pointing: { readonly putInPx: number | null; readonly foundPx: number; readonly rmsPx: number | null } | null;
}

/** Disparities against their truth, pixels; bias and attraction of whole pixels where the truth has sub-pixels. */
export interface DisparityScore {
  readonly name: string;
  readonly validPercent: number; readonly bad1Percent: number;
  readonly meanPx: number; readonly medianPx: number; readonly p90Px: number; readonly p99Px: number;
  readonly biasPx?: number; readonly lockingPx?: number; readonly wholePixelRatio?: number;
}

/** A folder of the data folder. Throws MissingDataError. */
export function dataFolder(name: string): string {
  const said: string[] = [];
  const folder = dataPath((message) => said.push(message), name);
  if (folder === null) throw new MissingDataError(said.join('\n'));
  return folder;
}
