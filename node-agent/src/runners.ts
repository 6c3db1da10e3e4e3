// SPDX-License-Identifier: Apache-2.0
import { runAlign } from './run-align.js';
import { runIngest } from './run-ingest.js';
import { runStereo } from './run-stereo.js';
import type { TaskRunners } from './run-task.js';

/** What this program does with each kind of task. */
export const runners: TaskRunners = { ingest: runIngest, align: runAlign, coarse: runStereo, stereo: runStereo };
