// SPDX-License-Identifier: Apache-2.0
import { type SceneWork, tileCount } from '@altiplano/coordinator';
import { identityAffine, priorKey } from '@altiplano/protocol';
import type { TaskRunners, TaskResult } from '@altiplano/node-agent';
import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** The coordinator's computing without pixels: a merge looks up what it would read, and reads nothing. */
export const stubWork: SceneWork = {
  solvePointing: (_plan, { id }) => ({
    pairId: id, model: 'none', reason: null, correction: identityAffine, rmsPx: 0, medianPx: 0, medianAfterPx: 0, inliers: 1, matches: 1, correctionPx: 0,
  }),
  openMerge: ({ partials, path }) => {
    let validCells = 0;
    return {
      async mergeTile(tileId) { validCells += partials(tileId).length; },
      async finish() {
        await writeFile(path, '');
        return { path, cellsPath: null, emptyReasons: new Uint8Array(), grid: { originE: 0, originN: 0, resolution: 1, width: 1, height: 1 }, rect: { col0: 0, row0: 0, width: 1, height: 1 }, validCells, minHeight: 495, maxHeight: 505, typicalHeights: [495, 505] };
      },
      async abandon() { /* nothing was written */ },
    };
  },
  makePrior: async ({ plan, factor, level }) => ({ key: priorKey(plan.sceneId, factor, 'stub'), ranges: Float64Array.from({ length: 2 * tileCount(level) }, (_, i) => (i % 2 === 0 ? 495 : 505)) }),
  publishProducts: async () => ({}),
};

/** Tasks that take a time and do nothing else; align leaves the empty list of matches that the coordinator will read. */
export function stubRunners(taskMs: number): TaskRunners {
  const stages = stagesOf(taskMs / 1000);
  const run = async (outKey: string): Promise<TaskResult> => {
    if (taskMs > 0) await delay(taskMs);
    // As many stages and metrics as a real tile tells.
    return { state: 'done', outKey, stages, metrics };
  };
  return {
    ingest: (_ports, { outKey }) => run(outKey),
    async align({ store }, { outKey }) {
      await store.put(outKey, Buffer.from('{"matches":[]}'));
      return run(outKey);
    },
    coarse: (_ports, { outKey }) => run(outKey),
    stereo: (_ports, { outKey }) => run(outKey),
    split: (_ports, { outKey }) => run(outKey),
  };
}

const stageNames = ['read', 'geometry', 'range', 'rectify', 'match', 'filter', 'rasterize', 'store'];
const stagesOf = (seconds: number): Record<string, number> => Object.fromEntries(stageNames.map((name) => [name, seconds / stageNames.length]));
const metrics = {
  matchedPixels: 1_500_000, deliveredCells: 1_000_000, validCells: 980_000, disparities: 48, rangeClipped: 0, epipolarResidualPx: 0.001, validPixels: 900_000,
};
