// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { configureGdal, ingestImage } from '@altiplano/kernels/raster';
import type { IngestTask } from '@altiplano/protocol';
import { gdalOptionsFor } from '@altiplano/protocol/store';
import type { TaskPorts, TaskResult } from './task-result.js';
import { makeStageClock } from './stage-clock.js';
import { scratchFile } from './scratch.js';

/** Makes one image tile-readable: a single-band tiled GeoTIFF with overviews and its validity mask, under `outKey`. */
export async function runIngest({ store, onStage }: TaskPorts, task: IngestTask): Promise<TaskResult> {
  const clock = makeStageClock({ onStage });
  const path = scratchFile(task, '.tif');
  try {
    // The image may be in a bucket of its own.
    if (task.source.startsWith('s3://')) configureGdal(await gdalOptionsFor(task.source));
    const info = clock.time('ingest', () => ingestImage(task.source, path, { band: task.band, maskPath: task.mask }));
    await clock.timeAsync('store', () => store.putFileIfAbsent(task.outKey, path));
    return { state: 'done', outKey: task.outKey, stages: clock.seconds(), metrics: { pixels: info.width * info.height } };
  } finally {
    await rm(path, { force: true });
  }
}
