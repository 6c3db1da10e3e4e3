// SPDX-License-Identifier: Apache-2.0
import { type AlignImage, alignWindow } from '@altiplano/kernels';
import { readWindow, transformPoints } from '@altiplano/kernels/raster';
import type { AlignTask, TaskImage } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import { imageLevel } from './image-level.js';
import { makeStageClock } from './stage-clock.js';
import type { TaskPorts, TaskResult } from './task-result.js';

/**
 * Finds sub-pixel matches of one ground window, in two dimensions because the pointing isn't known yet, and
 * stores them as JSON (AlignMatches: full-resolution pixels of both images). 'empty' where nothing matches.
 */
export async function runAlign({ store, onStage }: TaskPorts, task: AlignTask): Promise<TaskResult> {
  const clock = makeStageClock({ onStage });
  const matches = clock.time('align', () =>
    alignWindow({
      ref: alignImage(store, task.ref, task.factor),
      sec: alignImage(store, task.sec, task.factor),
      box: task.box,
      heightRange: task.heightRange,
      lonLatFromGround: (points) => transformPoints(task.crs, 'EPSG:4326', points),
      searchPx: task.params.pointingSearchPx,
    }));
  const metrics = { matches: matches.length };
  if (matches.length === 0) return { state: 'empty', reason: 'no-match', stages: clock.seconds(), metrics };
  const bytes = new TextEncoder().encode(JSON.stringify({ matches }));
  await clock.timeAsync('store', () => store.putIfAbsent(task.outKey, bytes));
  return { state: 'done', outKey: task.outKey, stages: clock.seconds(), metrics };
}

/** The image as align sees it: from the reduced level the wide search starts at down to full resolution. */
function alignImage(store: ObjectStore, image: TaskImage, factor: number): AlignImage {
  const levels = (factor === 1 ? [1] : [factor, 1]).map((f) => imageLevel(store, image, f));
  return {
    rpc: image.rpc,
    levels,
    readWindow: (index, rect) => {
      const level = levels[index];
      if (level === undefined) throw new RangeError(`level ${index} of ${levels.length}`);
      return readWindow(level.path, { band: 1, rect, ...(level.overview === undefined ? {} : { overview: level.overview }) });
    },
  };
}
