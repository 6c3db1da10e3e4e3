// SPDX-License-Identifier: Apache-2.0
import type { ScenePlan, TaskOutcome } from '@altiplano/protocol';
import { tileTaskId } from './make-tasks.js';
import type { Pointing } from './solve-pointing.js';

export interface TileCounts { readonly planned: number; readonly done: number; readonly empty: number; readonly dead: number }

/** How a scene ended. */
export interface SceneResult {
  readonly plan: ScenePlan;
  readonly state: 'done' | 'partial' | 'failed';
  readonly failure: string | null;
  readonly tiles: TileCounts;
  readonly outcomes: readonly TaskOutcome[];
  readonly pointing: readonly Pointing[];
  readonly products: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
  /** Core seconds per stage, agents' and coordinator's. */
  readonly stages: Readonly<Record<string, number>>;
  readonly coordinatorSeconds: number;
  readonly wallSeconds: number;
}

/** The last line of `altiplano run --json`. */
export interface RunSummary {
  readonly state: SceneResult['state'];
  readonly tiles: TileCounts;
  readonly products: Readonly<Record<string, string>>;
  readonly pointing: readonly { readonly pair: string; readonly rmsPx: number | null; readonly inliers: number; readonly correctionPx: number }[];
  /** Megapixels of the reference images on ground seen in both images (and in the ROI), over all pairs. */
  readonly mpx: number;
  readonly coreSeconds: number;
  readonly wallSeconds: number;
  readonly stages: Readonly<Record<string, number>>;
}

/** Tiles at full resolution: dead if any of its pairs is dead, else done if any is done, else empty; not ended counts as dead. */
export function tileCounts(plan: ScenePlan, outcomes: ReadonlyMap<string, TaskOutcome>): TileCounts {
  const level = plan.levels.at(-1);
  const counts = { planned: 0, done: 0, empty: 0, dead: 0 };
  for (const tile of level?.tiles ?? []) {
    const ends = tile.pairs.map((pairId) => outcomes.get(tileTaskId(level?.factor ?? 1, tile.id, pairId))?.state ?? 'dead');
    counts.planned += 1;
    counts[ends.includes('dead') ? 'dead' : ends.includes('done') ? 'done' : 'empty'] += 1;
  }
  return counts;
}

/**
 * Core seconds by stage: a sum per kind of task (coarse levels together), and 'stereo.<stage>' within full
 * resolution, where a task's core seconds, its start included, are shared out by those of its stages.
 */
export function stageSeconds(outcomes: readonly TaskOutcome[], own: Readonly<Record<string, number>>): Record<string, number> {
  const sums: Record<string, number> = { ingest: 0, align: 0, coarse: 0, stereo: 0 };
  const add = (stage: string, seconds: number): void => { sums[stage] = (sums[stage] ?? 0) + seconds; };
  for (const { kind, cpuSeconds, stages } of outcomes) {
    add(kind, cpuSeconds);
    if (kind !== 'stereo') continue;
    const timed = Object.values(stages).reduce((sum, seconds) => sum + seconds, 0);
    for (const [stage, seconds] of Object.entries(stages)) add(`stereo.${stage}`, (cpuSeconds * seconds) / Math.max(1e-9, timed));
  }
  for (const [stage, seconds] of Object.entries(own)) add(stage, seconds);
  return Object.fromEntries(Object.entries(sums).map(([stage, seconds]) => [stage, rounded(seconds)]));
}

/** Megapixels of reference image the plan's pairs share ground on. */
export const referenceMpx = (plan: ScenePlan): number =>
  plan.pairs.reduce((sum, { ref, overlapAreaM2 }) => sum + overlapAreaM2 / (plan.images[ref]?.gsdM ?? Infinity) ** 2, 0) / 1e6;

/** Rectified pixels matched at full resolution per reference pixel delivered. */
export function matchOverhead(plan: ScenePlan, outcomes: readonly TaskOutcome[]): number {
  const matched = outcomes.filter(({ kind }) => kind === 'stereo').reduce((sum, { metrics }) => sum + (metrics['matchedPixels'] ?? 0), 0);
  return matched / 1e6 / referenceMpx(plan);
}

export function runSummary(result: SceneResult): RunSummary {
  const agents = result.outcomes.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  return {
    state: result.state, tiles: result.tiles, products: result.products,
    pointing: result.pointing.map(({ pairId, rmsPx, inliers, correctionPx }) =>
      ({ pair: pairId, rmsPx: Number.isFinite(rmsPx) ? rmsPx : null, inliers, correctionPx })),
    mpx: rounded(referenceMpx(result.plan)), coreSeconds: rounded(agents + result.coordinatorSeconds), wallSeconds: rounded(result.wallSeconds),
    stages: result.stages,
  };
}

const rounded = (value: number): number => Number(value.toFixed(3));
