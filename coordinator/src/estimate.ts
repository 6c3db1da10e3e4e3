// SPDX-License-Identifier: Apache-2.0
import { type LevelPlan, type PairPlan, type ScenePlan, type StereoParams, agentProcessMb } from '@altiplano/protocol';
import type { PlanPorts } from './view.js';

/** What a level's largest task needs. */
export interface TaskEstimate {
  /** Side of the block around the turned tile and its margin, pixels; memory is allocated for all of it. */
  readonly rectPx: number;
  readonly disparities: number;
  readonly memoryMb: number;
}

// Seen on an AMD EPYC with AVX-512 in scenes of 16 to 150 Mpx.
/** Pixel-disparities per core and second; both directions, 8 paths, edges and sub-pixel refinement included. */
const evaluationsPerSecond = 400e6;
/** Core seconds per rectified pixel for everything but matching: reading, resampling, filters, rasterising, merging, publishing. */
const secondsPerPixel = 0.25e-6;
/** What a run takes however small its scene is. */
export const startSeconds = 2;

export interface LevelShape {
  readonly tileCells: number;
  readonly haloCells: number;
  readonly resolution: number;
  /** Ground sample distance of the reduced reference image, metres. */
  readonly gsdM: number;
  readonly disparities: number;
  /** Angle between the epipolar lines and the grid, radians. */
  readonly epipolarRad: number;
  /** Reference pixels the ground moves by over the heights searched: the block covers the tile at all of them. */
  readonly sweepPx: number;
}

/** Memory of one full-size task: the rectified block is the box around the turned tile, with margins. */
export function estimateTask(shape: LevelShape, params: Pick<StereoParams, 'marginPx'>, ports: Pick<PlanPorts, 'tileMemoryBytes'>): TaskEstimate {
  const tilePx = ((shape.tileCells + 2 * shape.haloCells) * shape.resolution) / shape.gsdM;
  const turned = Math.abs(Math.cos(shape.epipolarRad)) + Math.abs(Math.sin(shape.epipolarRad));
  const rectPx = Math.ceil(tilePx * turned) + 2 * params.marginPx;
  const widthPx = rectPx + Math.ceil(shape.sweepPx);
  const cells = shape.tileCells + 2 * shape.haloCells;
  const rect = { width: widthPx, height: rectPx };
  const secRect = { width: widthPx + shape.disparities, height: rectPx };
  const bytes = ports.tileMemoryBytes({ rect, secRect, windows: [rect, secRect], grid: { width: cells, height: cells }, count: shape.disparities });
  return { rectPx, disparities: shape.disparities, memoryMb: agentProcessMb + bytes / 2 ** 20 };
}

/** Disparities a height span needs in an image with this ground sample distance. */
export const disparitiesFor = (heightSpanM: number, baseToHeight: number, gsdM: number): number =>
  Math.ceil((heightSpanM * Math.abs(baseToHeight)) / gsdM) + 1;

export interface LevelEstimate extends TaskEstimate {
  readonly factor: number;
  readonly tasks: number;
  /** Megapixels matched, of this level's pixels. */
  readonly matchedMpx: number;
  /** Pixels matched per pixel of the ground both images see. */
  readonly overhead: number;
  readonly coreSeconds: number;
}

/** Estimates for every level of a plan, for `altiplano plan` and the progress bar's first guess. */
export function estimateScene(plan: ScenePlan, ports: Pick<PlanPorts, 'tileMemoryBytes'>): LevelEstimate[] {
  return plan.levels.map((level, i) => {
    const shape = levelShape(plan, level, i === 0);
    const task = estimateTask(shape, plan.request.params, ports);
    const groundPx = plan.pairs.reduce((sum, { overlapAreaM2 }) => sum + overlapAreaM2, 0) / shape.gsdM ** 2;
    const matchedPx = matchedPixels(plan, level, shape, groundPx);
    return {
      ...task, factor: level.factor, tasks: level.tileRuns.reduce((sum, { count, pairs }) => sum + count * pairs.length, 0),
      matchedMpx: matchedPx / 1e6, overhead: matchedPx / groundPx,
      coreSeconds: matchedPx * (task.disparities / evaluationsPerSecond + secondsPerPixel),
    };
  });
}

/**
 * A tile is matched with its halo and margin, and where its ground lies over the heights searched: along all its edges, but
 * for those where the images end. A sweep lengthens two of four edges, so on average over its direction each by s / pi.
 */
function matchedPixels(plan: ScenePlan, level: LevelPlan, shape: LevelShape, groundPx: number): number {
  const around = (shape.haloCells * shape.resolution) / shape.gsdM + plan.request.params.marginPx + shape.sweepPx / Math.PI;
  const cellPx = shape.resolution / shape.gsdM;
  let tiles = 0;
  let edges = 0;
  for (const { count, pairs, core: [, , width, height] } of level.tileRuns) {
    tiles += count * pairs.length;
    edges += count * pairs.length * 2 * (width + height) * cellPx;
  }
  const rim = plan.request.roi === undefined ? plan.pairs.reduce((sum, { overlapAreaM2 }) => sum + 4 * Math.sqrt(overlapAreaM2), 0) / shape.gsdM : 0;
  const shared = Math.max(0, 1 - rim / edges);
  return groundPx + shared * (edges * around + tiles * 4 * around ** 2);
}

/** The coarsest level searches the whole height domain; finer ones what the level above leaves, at a guess a quarter of the limit. */
function levelShape(plan: ScenePlan, level: LevelPlan, isCoarsest: boolean): LevelShape {
  const widest = plan.pairs.reduce((a: PairPlan | undefined, b) => (a && a.baseToHeight >= b.baseToHeight ? a : b), undefined);
  const gsdM = Math.min(...plan.images.map((image) => image.gsdM)) * level.factor;
  const all = disparitiesFor(plan.heightDomain[1] - plan.heightDomain[0], widest?.baseToHeight ?? 0, gsdM);
  const limit = plan.request.params.maxDisparities;
  // Angle and sweep of ordinary pairs: 15 degrees, and a quarter metre per metre of height.
  const disparities = Math.min(isCoarsest ? limit : Math.ceil(limit / 4), all);
  return { ...level, gsdM, disparities, epipolarRad: Math.PI / 12, sweepPx: (0.25 * disparities) / Math.max(0.05, widest?.baseToHeight ?? 1) };
}
