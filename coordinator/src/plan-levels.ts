// SPDX-License-Identifier: Apache-2.0
import { type HeightRange, InputError, type LevelPlan, type SceneRequest } from '@altiplano/protocol';
import { disparitiesFor, estimateTask } from './estimate.js';
import { type PairGround, groundTiles } from './ground-tiles.js';
import { ringArea } from './polygon.js';
import { runsOf } from './tile-index.js';
import type { PlanPorts } from './view.js';

export interface LevelInputs {
  readonly request: SceneRequest;
  readonly grounds: readonly PairGround[];
  readonly gsdM: number;
  readonly baseToHeight: number;
  readonly epipolarRad: number;
  /** Horizontal metres per metre of height along the reference image's lines of sight. */
  readonly refSlope: number;
  readonly heightSpanM: number;
}

const haloCells = 16;
/** A reduced image keeps at least this many pixels on its smaller side. */
const goodSidePx = 100;
/** The same where the height domain demands it; ingest makes no smaller ones. */
export const leastSidePx = 32;
const fewestDisparities = 128;

/**
 * Image reductions, coarsest first, ending with 1: 16 and 4 where the images are large enough. The first
 * must search the whole height domain; where it can't, a coarser one comes before it.
 */
export function levelFactors(smallestSidePx: number, disparitiesAtFull: number, maxDisparities: number): number[] {
  const factors = [16, 4, 1].filter((f) => f === 1 || smallestSidePx / f >= goodSidePx);
  const first = factors[0] ?? 1;
  if (disparitiesAtFull / first <= maxDisparities) return factors;
  const coarser = [2, 4, 8, 16, 32].filter((f) => f > first && smallestSidePx / f >= leastSidePx);
  const enough = coarser.find((f) => disparitiesAtFull / f <= maxDisparities) ?? coarser.at(-1);
  return enough === undefined ? factors : [enough, ...factors];
}

/** The middle of a height range that `maxDisparities` can search at `factor`, or all of it. */
export function searchableRange([low, high]: HeightRange, baseToHeight: number, gsdM: number, maxDisparities: number): HeightRange {
  if (disparitiesFor(high - low, baseToHeight, gsdM) <= maxDisparities) return [low, high];
  const half = ((maxDisparities - 1) * gsdM) / Math.abs(baseToHeight) / 2;
  return [(low + high) / 2 - half, (low + high) / 2 + half];
}

/** Grids, tile sizes and search limits of every level, within the memory budget. Pushes what had to give to `warnings`. */
export function planLevels(inputs: LevelInputs, factors: readonly number[], ports: Pick<PlanPorts, 'tileMemoryBytes'>, warnings: string[]): LevelPlan[] {
  const { request, gsdM } = inputs;
  const areaM2 = Math.max(0, ...inputs.grounds.map(({ rings }) => Math.max(0, ...rings.map(ringArea))));
  return factors.map((factor) => {
    // Reduced levels have cells about as large as the reduced pixels, a whole multiple of the resolution.
    const resolution = factor === 1 ? request.resolution : request.resolution * Math.max(1, Math.round((gsdM * factor) / request.resolution));
    const wanted = factor > 1 ? coarseTileCells(areaM2, resolution) : request.tileCells ?? defaultTileCells(areaM2, resolution, gsdM);
    const fit = fitBudget(inputs, factor, resolution, wanted, ports);
    if (fit.tileCells < wanted || fit.maxDisparities < request.params.maxDisparities) {
      warnings.push(`level 1/${factor}: ${fit.tileCells} cells per tile and at most ${fit.maxDisparities} disparities, to fit ${request.memoryBudgetMb} MB (--memory)`);
    }
    return {
      factor, resolution, haloCells, tileCells: fit.tileCells, maxDisparities: fit.maxDisparities,
      tileRuns: runsOf(groundTiles(inputs.grounds, resolution, fit.tileCells), fit.tileCells),
    };
  });
}

/**
 * About 1024 reference pixels across: larger tiles match hardly less around what they deliver, but search more, for they search
 * at every pixel what their steepest place needs. Smaller ones where there would be less than 6 tiles for all agents.
 */
function defaultTileCells(areaM2: number, resolution: number, gsdM: number): number {
  const pixels = [1024, 768].find((side) => areaM2 / gsdM ** 2 >= 6 * side ** 2) ?? 512;
  const cells = pixels / 2 ** Math.round(Math.log2(resolution / gsdM));
  return Math.min(2048, Math.max(64, Math.floor(cells / 64) * 64));
}

/**
 * Small where tiles are few or wide: over 1,000 m of height, polynomials fit a 2 km box only barely. Else larger, as a tile of 256 cells
 * matches 1.7 times what it delivers, and one of 512 cells 1.3 times.
 */
function coarseTileCells(areaM2: number, resolution: number): number {
  const sideM = 512 * resolution;
  return sideM <= 1200 && areaM2 >= 6 * sideM ** 2 ? 512 : 256;
}

/** Gives up disparities down to 128 first, then tile size: small tiles match more than they deliver. Throws InputError where nothing fits. */
function fitBudget(inputs: LevelInputs, factor: number, resolution: number, wanted: number, ports: Pick<PlanPorts, 'tileMemoryBytes'>):
{ readonly tileCells: number; readonly maxDisparities: number } {
  const { request } = inputs;
  const most = request.params.maxDisparities;
  const gsdM = inputs.gsdM * factor;
  const memoryMb = (tileCells: number, disparities: number): number => {
    // No task searches more than the height domain.
    const searched = Math.min(disparities, disparitiesFor(inputs.heightSpanM, inputs.baseToHeight, gsdM));
    const sweepPx = (inputs.refSlope * searched) / inputs.baseToHeight;
    const shape = { tileCells, haloCells, resolution, gsdM, disparities: searched, epipolarRad: inputs.epipolarRad, sweepPx };
    return estimateTask(shape, request.params, ports).memoryMb;
  };
  for (let tileCells = wanted; tileCells >= 64; tileCells = Math.floor(tileCells / 128) * 64) {
    for (let disparities = most; disparities >= Math.min(most, fewestDisparities); disparities -= 16) {
      if (memoryMb(tileCells, disparities) <= request.memoryBudgetMb) return { tileCells, maxDisparities: disparities };
    }
  }
  const least = Math.ceil(memoryMb(64, Math.min(most, fewestDisparities)));
  throw new InputError(`memory: even tiles of 64 cells need ${least} MB at level 1/${factor}, and the budget is ${request.memoryBudgetMb} MB; raise --memory`);
}
