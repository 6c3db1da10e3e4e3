// SPDX-License-Identifier: Apache-2.0
import type { ScenePlan } from '@altiplano/protocol';
import type { SceneState } from './advance-scene.js';
import type { DeadTasks } from './dead-tasks.js';
import type { OutcomeTally } from './outcome-tally.js';
import type { Pointing } from './solve-pointing.js';
import type { ReplayedTasks } from './task-orders.js';
import { tileCount } from './tile-index.js';

export interface TileCounts { readonly planned: number; readonly done: number; readonly empty: number; readonly dead: number }

/** How a scene ended. */
export interface SceneResult {
  readonly plan: ScenePlan;
  readonly state: 'done' | 'partial' | 'failed';
  readonly failure: string | null;
  readonly tiles: TileCounts;
  readonly deadTasks: DeadTasks;
  readonly tally: OutcomeTally;
  readonly pointing: readonly Pointing[];
  readonly products: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
  /** Tiles at full resolution whose cells were taken from an earlier merge, as they are made of the same. */
  readonly tilesTaken: number;
  readonly replayed: readonly ReplayedTasks[];
  /** Core seconds per stage, agents' and coordinator's. */
  readonly stages: Readonly<Record<string, number>>;
  readonly coordinatorSeconds: number;
  readonly wallSeconds: number;
}

/** The last line of `altiplano run --json`. */
export interface RunSummary {
  readonly state: SceneResult['state'];
  readonly tiles: TileCounts;
  /** By kind, and of all levels: what makes the scene partial. */
  readonly deadTasks: DeadTasks;
  readonly warnings: readonly string[];
  readonly products: Readonly<Record<string, string>>;
  readonly pointing: readonly { readonly pair: string; readonly rmsPx: number | null; readonly inliers: number; readonly correctionPx: number }[];
  /** Megapixels of the reference images on ground seen in both images (and in the ROI), over all pairs. */
  readonly mpx: number;
  readonly coreSeconds: number;
  readonly wallSeconds: number;
  readonly stages: Readonly<Record<string, number>>;
  /** Tasks that replays made, by order, with the parameters that differ from the scene's. */
  readonly replayed: readonly ReplayedTasks[];
  /** The largest task's estimate, its agent's process included. */
  readonly largestTaskMb: number;
}

/** Tiles at full resolution: dead if any of its pairs is dead, else done if any is, else empty; not ended counts as dead. */
export function tileCountsOf({ plan, levelIndex, tileCounts: { done, empty } }: SceneState): TileCounts {
  const level = plan.levels.at(-1);
  const planned = level ? tileCount(level) : 0;
  return levelIndex === plan.levels.length - 1 ? { planned, done, empty, dead: planned - done - empty } : { planned, done: 0, empty: 0, dead: planned };
}

/** Core seconds by stage: those of tasks, and the coordinator's own. */
export function stageSeconds({ stages }: OutcomeTally, own: Readonly<Record<string, number>>): Record<string, number> {
  const sums: Record<string, number> = { ...stages };
  for (const [stage, seconds] of Object.entries(own)) sums[stage] = (sums[stage] ?? 0) + seconds;
  return Object.fromEntries(Object.entries(sums).map(([stage, seconds]) => [stage, rounded(seconds)]));
}

/** Megapixels of reference image the plan's pairs share ground on. */
export const referenceMpx = (plan: ScenePlan): number =>
  plan.pairs.reduce((sum, { ref, overlapAreaM2 }) => sum + overlapAreaM2 / (plan.images[ref]?.gsdM ?? Infinity) ** 2, 0) / 1e6;

/** Rectified pixels matched at full resolution per reference pixel delivered. */
export const matchOverhead = (plan: ScenePlan, { matchedPixels }: OutcomeTally): number => matchedPixels / 1e6 / referenceMpx(plan);

/** What of a result is for other programs: run.json. */
export function runSummary(result: SceneResult): RunSummary {
  return {
    state: result.state, tiles: result.tiles, deadTasks: result.deadTasks, warnings: result.warnings, products: result.products,
    pointing: result.pointing.map(({ pairId, rmsPx, inliers, correctionPx }) =>
      ({ pair: pairId, rmsPx: Number.isFinite(rmsPx) ? rmsPx : null, inliers, correctionPx })),
    mpx: rounded(referenceMpx(result.plan)), coreSeconds: rounded(result.tally.cpuSeconds + result.coordinatorSeconds), wallSeconds: rounded(result.wallSeconds),
    stages: result.stages, replayed: result.replayed, largestTaskMb: result.tally.largestTaskMb,
  };
}

const rounded = (value: number): number => Number(value.toFixed(3));
