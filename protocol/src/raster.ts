// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { sideSchema } from './fields.js';

/** A north-up grid of square cells in a projected CRS. The origin is the upper left CORNER of cell (0, 0). */
export const gridSpecSchema = z.object({
  originE: z.number(), originN: z.number(),
  /** Cell size in metres. */
  resolution: z.number().positive(),
  width: sideSchema, height: sideSchema,
});
export type GridSpec = Readonly<z.infer<typeof gridSpecSchema>>;

/** A box in the output CRS, metres. */
export const groundBoxSchema = z.object({ minE: z.number(), minN: z.number(), maxE: z.number(), maxN: z.number() })
  .refine(({ minE, minN, maxE, maxN }) => minE < maxE && minN < maxN, 'expected minE < maxE and minN < maxN');
export type GroundBox = Readonly<z.infer<typeof groundBoxSchema>>;

/** [lowest, highest], metres above the WGS84 ellipsoid. */
export const heightRangeSchema = z.tuple([z.number(), z.number()]).refine(([low, high]) => low <= high, 'expected the lowest height first');
export type HeightRange = Readonly<z.infer<typeof heightRangeSchema>>;

/** col' = c0 + c1 col + c2 row, row' = r0 + r1 col + r2 row; full-resolution pixels. */
export const affineSchema = z.object({
  col: z.tuple([z.number(), z.number(), z.number()]),
  row: z.tuple([z.number(), z.number(), z.number()]),
});
export type Affine = Readonly<z.infer<typeof affineSchema>>;
export const identityAffine: Affine = { col: [0, 1, 0], row: [0, 0, 1] };
