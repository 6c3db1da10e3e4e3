// SPDX-License-Identifier: Apache-2.0
import { type PartialDsm, cellsWithPoints, release } from '@altiplano/kernels';
import type { GridSpec, StereoTask } from '@altiplano/protocol';
import { MemoryBudgetError, agentProcessMb } from '@altiplano/protocol/plain';
import { type StereoPartial, computePartial, coreCells, storePartial } from './run-stereo.js';
import { makeStageClock } from './stage-clock.js';
import type { TaskPorts, TaskResult } from './task-result.js';

/**
 * As runStereo, for a tile that did not fit into memory: its four quadrants one after the other, put together under the same key. Each is
 * computed with a rim of its neighbours' cells, which is cut off again. Each has its own rectification, so the heights differ by what
 * resampling does to matching, and not systematically: run-split.test.ts states by how much.
 */
export async function runSplit(ports: TaskPorts, task: StereoTask, signal?: AbortSignal): Promise<TaskResult> {
  const clock = makeStageClock({ onStage: ports.onStage });
  const memoryBudgetMb = task.memoryBudgetMb - wholeMb(task);
  const whole = emptyPartial(task.grid);
  const parts: StereoPartial[] = [];
  for (const { grid, ...place } of quadrants(task.grid, rimCells)) {
    const computed = computePartial(ports, { ...task, grid, memoryBudgetMb }, clock, signal);
    if (computed.partial !== null) {
      copyCells(computed.partial, whole, place);
      release(computed.partial);
    }
    parts.push(computed);
  }
  return storePartial(ports, task, clock, joined(whole, parts, coreCells(task)));
}

/** Height, weight, spread and count. */
const bytesPerCell = 14;

/** What the tile put together takes beside its quadrants. Throws MemoryBudgetError where that alone is too much. */
function wholeMb({ tileId, pairId, factor, grid: { width, height }, memoryBudgetMb }: StereoTask): number {
  const neededMb = (bytesPerCell * width * height) / 2 ** 20;
  if (agentProcessMb + neededMb > memoryBudgetMb) {
    throw new MemoryBudgetError(
      `tile ${tileId} pair ${pairId} level ${factor}: ${width} x ${height} cells need ${(agentProcessMb + neededMb).toFixed(0)} MB, even in four parts, ` +
      `the budget is ${memoryBudgetMb} MB; give smaller tiles (--tile) or a larger budget (--memory)`);
  }
  return neededMb;
}

/** The quadrants' results as one. It is empty where all of them are, for the reason of the first. */
function joined(whole: PartialDsm, parts: readonly StereoPartial[], deliveredCells: number): StereoPartial {
  const metrics: Record<string, number> = {};
  for (const part of parts) {
    for (const [name, value] of Object.entries(part.metrics)) {
      metrics[name] = summed.has(name) ? (metrics[name] ?? 0) + value : Math.max(metrics[name] ?? -Infinity, value);
    }
  }
  const validCells = cellsWithPoints(whole);
  Object.assign(metrics, { deliveredCells, validCells, split: 1 });
  if (validCells > 0) return { partial: whole, metrics };
  const reasons = parts.flatMap((part) => (part.partial === null ? [part.reason] : []));
  return { partial: null, reason: reasons[0] ?? 'no-match', metrics };
}
/** Metrics that add up; of the others the largest of the quadrants counts. */
const summed: ReadonlySet<string> = new Set(['matchedPixels', 'outliers']);

/** Cells around a quadrant that its filters may look at: a speckle or a median at its rim is judged as in the whole tile. Matching has a margin of its own. */
const rimCells = 16;

interface Place {
  /** The cells a quadrant gives the tile: column and row of the first, width and height. */
  readonly col0: number; readonly row0: number; readonly width: number; readonly height: number;
  /** The rim that was computed to the left of them and above. */
  readonly left: number; readonly above: number;
}

/** The quarters of a grid, fewer where it is too small: what each gives, and the grid it is computed on, wider by a rim where it has neighbours. */
export function quadrants(grid: GridSpec, rim: number): (Place & { readonly grid: GridSpec })[] {
  const halves = (size: number): (readonly [number, number])[] => {
    const half = Math.ceil(size / 2);
    return half < size ? [[0, half], [half, size]] : [[0, size]];
  };
  return halves(grid.height).flatMap(([row0, row1]) => halves(grid.width).map(([col0, col1]) => {
    const [top, bottom] = [Math.max(0, row0 - rim), Math.min(grid.height, row1 + rim)];
    const [left, right] = [Math.max(0, col0 - rim), Math.min(grid.width, col1 + rim)];
    const { resolution, originE, originN } = grid;
    return {
      col0, row0, width: col1 - col0, height: row1 - row0, left: col0 - left, above: row0 - top,
      grid: { resolution, originE: originE + left * resolution, originN: originN - top * resolution, width: right - left, height: bottom - top },
    };
  }));
}

function emptyPartial(grid: GridSpec): PartialDsm {
  const cells = grid.width * grid.height;
  return {
    grid, height: new Float32Array(cells).fill(NaN), weight: new Float32Array(cells), spread: new Float32Array(cells).fill(NaN), count: new Uint16Array(cells),
  };
}

function copyCells(from: PartialDsm, to: PartialDsm, { col0, row0, width, height, left, above }: Place): void {
  for (let row = 0; row < height; row++) {
    const source = (above + row) * from.grid.width + left;
    const target = (row0 + row) * to.grid.width + col0;
    for (const band of ['height', 'weight', 'spread', 'count'] as const) to[band].set(from[band].subarray(source, source + width), target);
  }
}
