// SPDX-License-Identifier: Apache-2.0
import type { AlignMatches, PairPlan, ScenePlan } from '@altiplano/protocol';
import type { ObjectStore, TaskQueue } from '@altiplano/protocol/io';
import type { Merge, MergeInputs, MergedDsm } from './merge-dsm.js';
import type { OutcomeTally } from './outcome-tally.js';
import type { Prior, PriorRequest } from './range-tiles.js';
import type { TileCounts } from './scene-result.js';
import type { Pointing } from './solve-pointing.js';

export interface ProductsRequest {
  readonly store: ObjectStore;
  readonly plan: ScenePlan;
  readonly merged: MergedDsm;
  readonly tiles: TileCounts;
  readonly tally: OutcomeTally;
  readonly pointing: readonly Pointing[];
  /** Core seconds per stage. */
  readonly timings: Readonly<Record<string, number>>;
  readonly outDir: string;
}

/** The computing the coordinator does itself, as functions, so that a scene can be run without any of it. */
export interface SceneWork {
  solvePointing(plan: ScenePlan, pair: PairPlan, matches: AlignMatches['matches']): Pointing;
  openMerge(inputs: MergeInputs): Merge;
  makePrior(request: PriorRequest): Promise<Prior>;
  publishProducts(request: ProductsRequest): Promise<Record<string, string>>;
}

export interface ScenePorts {
  readonly store: ObjectStore;
  readonly queue: Pick<TaskQueue, 'publishTasks' | 'events' | 'onReconnect'>;
  readonly work: SceneWork;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** CPU seconds of this process so far. */
  readonly cpuSeconds: () => number;
}
