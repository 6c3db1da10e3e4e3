// SPDX-License-Identifier: Apache-2.0
import type { Findings, MeasurementInput, TableInput } from '../harness/report.js';
import { medianOf, spreadOf } from '../harness/statistics.js';
import type { MatcherResult } from './matchers.js';
import type { PipelineFailure, PipelineResult } from './pipelines.js';

export interface PeerResults {
  readonly matchers: readonly MatcherResult[];
  readonly pipelines: readonly PipelineResult[];
  readonly failures: readonly PipelineFailure[];
  /** Who or what isn't on this machine, and why. */
  readonly missing: readonly string[];
}

/** Tables and figures of a comparison; what is missing or failed has a table of its own, and no figures. */
export function peerFindings({ matchers, pipelines, failures, missing }: PeerResults): Findings {
  const absent = [...missing.map((what) => ['missing', what]), ...failures.map(({ program, case: of, reason }) => ['failed', `${program} on ${of}: ${reason}`])];
  return {
    measurements: [...matchers.flatMap(matcherMeasurements), ...pipelines.flatMap(pipelineMeasurements)],
    tables: [
      ...(matchers.length === 0 ? [] : [matcherTable(matchers)]), ...(pipelines.length === 0 ? [] : [pipelineTable(pipelines), agreementTable(pipelines)]),
      ...(absent.length === 0 ? [] : [{ title: 'Not measured', columns: [{ name: '', align: 'left' as const }, { name: 'what and why', align: 'left' as const }], rows: absent }]),
    ],
    charts: matchers.length === 0 ? [] : [{
      kind: 'bars', title: 'Matchers', unit: 'MDE/s', groups: casesOf(matchers).map((name) => ({
        name, bars: matchers.filter((m) => caseOf(m) === name).map(({ matcher, mdePerSecond }) => {
          const { median, low, high } = spreadOf(mdePerSecond);
          return { name: matcher, value: median, low, high };
        }),
      })),
    }],
  };
}

const caseOf = ({ case: name, range }: MatcherResult): string => `${name}, ${range} disparities`;
const casesOf = (matchers: readonly MatcherResult[]): string[] => [...new Set(matchers.map(caseOf))];

function matcherMeasurements(m: MatcherResult): MeasurementInput[] {
  const labels = { case: m.case, range: m.range, matcher: m.matcher };
  const exact = (name: string, unit: string, better: 'higher' | 'lower', value: number): MeasurementInput =>
    ({ name, labels, unit, better, samples: [value], exact: true });
  return [
    { name: 'matching', labels, unit: 'MDE/s', better: 'higher', samples: [...m.mdePerSecond] },
    exact('valid', '%', 'higher', m.score.validPercent), exact('bad1', '%', 'lower', m.score.bad1Percent), exact('mean error', 'px', 'lower', m.score.meanErrorPx),
  ];
}

function matcherTable(matchers: readonly MatcherResult[]): TableInput {
  // What the project's goal is stated against is HH as it comes.
  const ofHh = (m: MatcherResult, isKept: boolean): number =>
    medianOf(matchers.find((other) => caseOf(other) === caseOf(m) && other.matcher.includes(' HH,') && other.matcher.endsWith('memory kept') === isKept)?.mdePerSecond ?? []);
  return {
    title: 'Matchers, one thread, in turns',
    note: `MDE/s: reference pixels x candidates / CPU seconds / 1e6. HH: OpenCV's 8 paths, as ours has, as it comes; 'memory kept': its process keeps what a call
      frees for the next one, as ours does, which otherwise the system clears each time. Scored on pixels both images see; bad1: share with an error above 1 px among
      the valid ones; both with a left-right check of 1 px and no other filter. OpenCV: block 3, P1 72, P2 288, no uniqueness or speckle filter; on Cones it leaves out
      the first 64 columns, which its MDE/s count and the score doesn't.`,
    columns: [{ name: 'pair', align: 'left' }, { name: 'matcher', align: 'left' }, ...['MDE/s', '±', 'times HH', 'times HH,\nmemory kept', 'valid %', 'bad1 %', 'mean px', 'median px'].map((name) => ({ name }))],
    rows: matchers.map((m) => {
      const { median, relative } = spreadOf(m.mdePerSecond), { score } = m;
      return [
        caseOf(m), m.matcher, median.toFixed(0), `${(100 * relative).toFixed(0)} %`, fixed(median / ofHh(m, false), 2), fixed(median / ofHh(m, true), 2), score.validPercent.toFixed(2), score.bad1Percent.toFixed(2),
        score.meanErrorPx.toFixed(3), score.medianErrorPx.toFixed(3),
      ];
    }),
  };
}

function pipelineMeasurements(p: PipelineResult): MeasurementInput[] {
  const labels = { case: p.case, program: p.program };
  const one = (name: string, unit: string, better: 'higher' | 'lower', value: number): MeasurementInput => ({ name, labels, unit, better, samples: [value] });
  return [
    one('efficiency', 'Mpx per core-second', 'higher', p.mpx / p.cpuSeconds), one('largest process', 'MB', 'lower', p.peakProcessMb),
    one('valid', '%', 'higher', 100 * p.againstReference.completeness), one('NMAD', 'm', 'lower', p.againstReference.nmad),
  ];
}

function pipelineTable(pipelines: readonly PipelineResult[]): TableInput {
  return {
    title: 'Pair to DSM on one core',
    note: `One after the other, pinned to the same core; CPU of all processes. Mpx: of reference image on ground both images see (s2p: of the part it works on; CARS: of the image).
      together: the most that all processes held at one time.`,
    columns: [{ name: 'pair', align: 'left' }, { name: 'program', align: 'left' }, ...['Mpx', 'wall s', 'CPU s', 'Mpx/core-s', 'times the CPU per Mpx', 'largest process MB', 'together MB'].map((name) => ({ name }))],
    rows: pipelines.map((p) => {
      const ours = pipelines.find((other) => other.case === p.case && other.againstOurs === null);
      const perMpx = (of: PipelineResult): number => of.cpuSeconds / of.mpx;
      return [
        p.case, p.program, p.mpx.toFixed(2), p.wallSeconds.toFixed(1), p.cpuSeconds.toFixed(2), (p.mpx / p.cpuSeconds).toFixed(4),
        ours === undefined ? '-' : fixed(perMpx(p) / perMpx(ours), 1), p.peakProcessMb.toFixed(0), p.peakTogetherMb.toFixed(0),
      ];
    }),
  };
}

function agreementTable(pipelines: readonly PipelineResult[]): TableInput {
  return {
    title: 'Their DSMs',
    note: `Against the reference on its cells: exact truth of ground both images see for towns; for s2p_pair a product of s2p itself, so that agreement says 'as s2p', not 'true'.
      valid: cells with a height, holes filled by CARS included; '<1 m', median, NMAD of the cells valid in both. Then against our DSM, on our cells.`,
    columns: [{ name: 'pair', align: 'left' }, { name: 'program', align: 'left' },
      ...['valid %', '<1 m %', 'median m', 'NMAD m', 'RMSE m', 'p99 m', 'as ours: valid %', '<1 m %', 'median m', 'NMAD m'].map((name) => ({ name }))],
    rows: pipelines.map(({ case: name, program, againstReference: r, againstOurs: o }) => [
      name, program, (100 * r.completeness).toFixed(2), ((100 * r.completenessWithin1m) / r.completeness).toFixed(2), r.median.toFixed(3), r.nmad.toFixed(3), r.rmse.toFixed(3), r.p99.toFixed(2),
      ...(o === null ? ['-', '-', '-', '-'] : [(100 * o.completeness).toFixed(2), ((100 * o.completenessWithin1m) / o.completeness).toFixed(2), o.median.toFixed(3), o.nmad.toFixed(3)]),
    ]),
  };
}

const fixed = (value: number, digits: number): string => (Number.isFinite(value) ? value.toFixed(digits) : '-');
