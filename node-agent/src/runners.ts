// SPDX-License-Identifier: Apache-2.0
import { configureGdal } from '@altiplano/kernels/raster';
import type { Task } from '@altiplano/protocol';
import { runAlign } from './run-align.js';
import { runIngest } from './run-ingest.js';
import { runSplit } from './run-split.js';
import { runStereo } from './run-stereo.js';
import type { TaskRunners } from './run-task.js';
import type { TaskRunner } from './task-result.js';

/** Lets GDAL read from the store as its client does, before each task: credentials may have changed since the last one. */
const reading = <T extends Task>(run: TaskRunner<T>): TaskRunner<T> => async (ports, task, signal) => {
  configureGdal(await ports.store.gdalOptions());
  return run(ports, task, signal);
};

/** What this program does with each kind of task. */
export const runners: TaskRunners = { ingest: reading(runIngest), align: reading(runAlign), coarse: reading(runStereo), stereo: reading(runStereo), split: reading(runSplit) };
