// SPDX-License-Identifier: Apache-2.0
import type { Affine, AlignMatches, GridSpec, GroundBox, HeightRange, LevelPlan, PairPlan, ScenePlan, TaskOutcome } from '@altiplano/protocol';
import type { ObjectStore, TaskQueue } from '@altiplano/protocol/io';

/** How well a pair's pointing was solved; kept in the store under pointingKey. */
export interface PairPointing {
  readonly pair: string;
  /** 'none': too few matches, the RPCs are used as they are. */
  readonly model: string;
  readonly correction: Affine;
  /** Across the epipolar lines, pixels: residual after the correction, median before and after it. */
  readonly rmsPx: number | null;
  readonly medianPx: number | null;
  readonly medianAfterPx: number | null;
  readonly inliers: number;
  readonly matches: number;
  /** Size of the correction at the image's centre, pixels. */
  readonly correctionPx: number;
}

export interface Merged {
  readonly path: string;
  readonly grid: GridSpec;
  readonly validCells: number;
  readonly minHeight: number;
  readonly maxHeight: number;
}

export interface LevelMerge {
  mergeTile(tileId: string): Promise<void>;
  finish(): Promise<Merged>;
  abandon(): Promise<void>;
}

export interface MergeRequest {
  readonly store: ObjectStore;
  readonly plan: ScenePlan;
  readonly level: LevelPlan;
  readonly partials: (tileId: string) => readonly { readonly pairId: string; readonly outKey: string }[];
  readonly isDead: (tileId: string) => boolean;
  readonly path: string;
}

export interface HeightPrior {
  readonly key: string;
  tileHeightRange(box: GroundBox): HeightRange | null;
}

export interface ProductsRequest {
  readonly store: ObjectStore;
  readonly plan: ScenePlan;
  readonly merged: Merged;
  readonly outcomes: readonly TaskOutcome[];
  readonly pointing: readonly PairPointing[];
  /** Core seconds per stage. */
  readonly timings: Readonly<Record<string, number>>;
  readonly outDir: string;
}

/** The computing the coordinator does itself, as functions, so that a scene can be run without any of it. */
export interface SceneWork {
  solvePointing(plan: ScenePlan, pair: PairPlan, matches: AlignMatches['matches']): PairPointing;
  openMerge(request: MergeRequest): LevelMerge;
  makePrior(request: { readonly merged: Merged; readonly plan: ScenePlan; readonly factor: number; readonly store: ObjectStore }): Promise<HeightPrior>;
  publishProducts(request: ProductsRequest): Promise<Record<string, string>>;
}

export interface ScenePorts {
  readonly store: ObjectStore;
  readonly queue: Pick<TaskQueue, 'publishTasks' | 'events'>;
  readonly work: SceneWork;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** CPU seconds of this process so far. */
  readonly cpuSeconds: () => number;
}
