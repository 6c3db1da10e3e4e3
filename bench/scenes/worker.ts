// SPDX-License-Identifier: Apache-2.0
import type { GridSpec } from '@altiplano/kernels';
import { type Exposure, renderRows } from './render.js';
import { shadeGround } from './shade.js';
import { truthRows } from './truth.js';
import type { View } from './view.js';
import type { World } from './world.js';

/** A block of rows to compute into shared arrays. */
export type Job = { readonly world: World; readonly row0: number; readonly count: number } & (
  | { readonly what: 'ground' }
  | { readonly what: 'image'; readonly view: View; readonly exposure: Exposure; readonly image: Uint16Array }
  | {
    readonly what: 'truth'; readonly views: readonly View[]; readonly grid: GridSpec;
    readonly dsm: Float32Array; readonly visible: Uint8Array; readonly seen: Float32Array;
  }
);

/** What a worker thread runs. */
export function runJob(job: Job): void {
  const { world, row0, count } = job;
  if (job.what === 'ground') shadeGround(world, row0, count);
  else if (job.what === 'image') renderRows(world, job.view, job.exposure, job.image, row0, count);
  else truthRows(world, job.views, job.grid, job.dsm, job.visible, job.seen, row0, count);
}
