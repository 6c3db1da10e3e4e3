// SPDX-License-Identifier: Apache-2.0
import type { BenchTile, NativeBench } from '@altiplano/kernels/testing';
import type { Case } from './models.js';
import { type Group, repetitions } from './plan.js';
import { type TexturedPair, texturedPair } from './textured-pair.js';

/** One kernel in one case: a sample per repetition. */
export interface KernelTimes {
  readonly kernel: string;
  readonly group: string;
  readonly case: Case;
  readonly threads: number;
  readonly target: string;
  /** CPU seconds of one call: the mean of the threads that ran at the same time. */
  readonly cpu: readonly number[];
  /** Seconds from the common start to the last thread's end. */
  readonly wall: readonly number[];
}

/** What the road makes of a case's pair, against its truth, of the pixels both images see. */
export interface PairAccuracy {
  readonly case: Case;
  readonly validPercent: number;
  /** Share of the valid ones with an error above 1 px. */
  readonly bad1Percent: number;
  readonly medianPx: number;
}

/**
 * Times a group's kernels in turns: repetition by repetition through all of them, so that a neighbour or a falling clock meets every
 * kernel alike. The first round only warms up.
 */
export function measureGroup(native: NativeBench, group: Group, only: string, onRound: (round: number) => void): { times: KernelTimes[]; accuracy: PairAccuracy } {
  const pair = texturedPair(group.case);
  const tiles: BenchTile[] = [];
  for (let n = 0; n < Math.max(...group.threads); n++) tiles.push(native.openTile(pair));
  try {
    const kernels = native.stages().map(({ name }) => name)
      .filter((name) => (group.kernels === null || group.kernels.includes(name)) && name.includes(only));
    // Kernels innermost: before each stands another kernel, so that no target and no number of threads finds its tile warmer than the others do.
    const runs = group.threads.flatMap((threads) => group.targets.flatMap((target) => kernels.map((kernel) =>
      ({ kernel, target, threads, cpu: [] as number[], wall: [] as number[] }))));
    for (let round = 0; round <= repetitions; round++) {
      for (const run of runs) {
        const { cpu, wall } = native.timeStage({ tiles: tiles.slice(0, run.threads), stage: run.kernel, target: run.target, repetitions: 1 });
        if (round === 0) continue;
        run.cpu.push(cpu.reduce((sum, seconds) => sum + seconds, 0) / cpu.length);
        run.wall.push(wall[0] ?? NaN);
      }
      onRound(round);
    }
    return { times: runs.map((run) => ({ ...run, group: group.title, case: group.case })), accuracy: accuracyOf(native, tiles[0], pair, group.case) };
  } finally {
    for (const tile of tiles) native.closeTile(tile);
  }
}

function accuracyOf(native: NativeBench, tile: BenchTile | undefined, { truth, seen }: TexturedPair, c: Case): PairAccuracy {
  const disparity = tile === undefined ? new Float32Array() : native.filteredDisparity(tile);
  let scored = 0, bad = 0;
  const errors: number[] = [];
  for (let i = 0; i < disparity.length; i++) {
    if (seen[i] !== 1) continue;
    scored++;
    const error = Math.abs((disparity[i] ?? NaN) - (truth[i] ?? NaN));
    if (Number.isNaN(error)) continue;
    errors.push(error);
    if (error > 1) bad++;
  }
  return {
    case: c, validPercent: (100 * errors.length) / scored, bad1Percent: (100 * bad) / errors.length,
    medianPx: Float64Array.from(errors).sort()[errors.length >> 1] ?? NaN,
  };
}

export interface Equality { readonly kernel: string; readonly hasTwin: boolean; readonly asTwin: boolean; readonly targetsEqual: boolean }

/** The tile on which kernels are held against their slow twins: odd, small, and with ranges that are no whole vector. */
export const equalityCase: Case = { size: 93, range: 37, bits: 12 };

/** Whether every kernel writes the same bits as its slow twin, and the same on every target. */
export function checkEquality(native: NativeBench, targets: readonly string[], only: string): Equality[] {
  const tile = native.openTile(texturedPair(equalityCase));
  try {
    return native.stages().filter(({ name }) => name.includes(only)).map(({ name, hasTwin }) => {
      const digests = targets.map((target) => native.digest({ tile, stage: name, target, twin: false }));
      const twin = hasTwin ? native.digest({ tile, stage: name, target: '', twin: true }) : digests[0];
      return { kernel: name, hasTwin, asTwin: digests[0] === twin, targetsEqual: new Set(digests).size === 1 };
    });
  } finally {
    native.closeTile(tile);
  }
}
