// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

/** What a user may tune; defaults follow docs/architecture.md. Part of every task, so of every task's hash. */
export const stereoParamsSchema = z.object({
  /** SGM smoothness penalties for the 34 bits of the 7x5 census (Hirschmueller 2008, eq. 13); p1 <= p2, path costs have 8 bits. */
  p1: z.int().positive().default(11),
  p2: z.int().positive().max(63).default(44),
  /** Largest allowed difference between left and right disparities, pixels. */
  leftRightPx: z.number().positive().default(1),
  /** Connected disparity regions below this many pixels are dropped. */
  specklePx: z.int().nonnegative().max(1_000_000).default(50),
  /** Side of the disparity median filter, odd; 1 turns it off. */
  medianSize: z.int().min(1).max(7).refine((size) => size % 2 === 1, 'expected 1, 3, 5 or 7').default(3),
  /** Largest number of disparities searched per pixel; they are searched in steps of 16. */
  maxDisparities: z.int().min(16).max(32_767).default(256),
  /** Rectified pixels matched around what the tile needs, so that aggregation has run in. */
  marginPx: z.int().nonnegative().max(512).default(24),
  /** Gaussian splat: sigma in cells, and radius in cells. */
  rasterSigma: z.number().min(0.1).max(16).default(0.5),
  rasterRadius: z.int().nonnegative().max(16).default(1),
  /** Share of a coarse height range added on both of its sides, beside what the coarse matcher errs by. */
  rangeMargin: z.number().nonnegative().max(10).default(0),
  /** Pointing error searched across the epipolar line, full-resolution pixels. */
  pointingSearchPx: z.number().positive().max(256).default(24),
}).refine(({ p1, p2 }) => p1 <= p2, { path: ['p1'], message: 'expected p1 <= p2' });
export type StereoParams = Readonly<z.infer<typeof stereoParamsSchema>>;
