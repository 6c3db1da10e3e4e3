// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { idSchema, placeSchema, sideSchema } from './fields.js';
import { affineSchema, gridSpecSchema, groundBoxSchema, heightRangeSchema } from './raster.js';
import { rpcModelSchema } from './rpc-model.js';
import { sceneIdSchema } from './scene.js';
import { stereoParamsSchema } from './params.js';

const base = {
  v: z.literal(1),
  sceneId: sceneIdSchema,
  /** Unique in the scene, fit for a subject token and a file name. */
  taskId: idSchema,
  /** 0, or the number of the order that asked for it again; no part of the hash, as equal work has equal results. */
  round: z.int().nonnegative(),
};

/** An image as a task needs it: where its pixels are, its camera, its size at full resolution. */
const taskImageSchema = z.object({
  key: placeSchema,
  width: sideSchema, height: sideSchema,
  rpc: rpcModelSchema,
});
export type TaskImage = Readonly<z.infer<typeof taskImageSchema>>;

/** Makes one image tile-readable: a tiled GeoTIFF with overviews 2, 4, 8 … and an internal validity mask. */
const ingestTaskSchema = z.object({
  ...base, kind: z.literal('ingest'),
  source: placeSchema, band: z.int().positive(), mask: placeSchema.nullable(),
  outKey: placeSchema,
});
export type IngestTask = Readonly<z.infer<typeof ingestTaskSchema>>;

/** Finds sub-pixel matches in one ground window; writes them as JSON (`AlignMatches`). */
const alignTaskSchema = z.object({
  ...base, kind: z.literal('align'),
  pairId: idSchema, windowId: idSchema,
  crs: placeSchema, box: groundBoxSchema, heightRange: heightRangeSchema,
  ref: taskImageSchema, sec: taskImageSchema,
  /** Image reduction the wide search starts at. */
  factor: z.int().positive().max(1024),
  params: stereoParamsSchema,
  outKey: placeSchema,
});
export type AlignTask = Readonly<z.infer<typeof alignTaskSchema>>;

/** One ground tile of one pair at one level: writes a partial DSM. Kind 'coarse' for factor > 1, else 'stereo'. */
const stereoTaskSchema = z.object({
  ...base, kind: z.enum(['coarse', 'stereo']),
  factor: z.int().positive().max(1024),
  pairId: idSchema, tileId: idSchema,
  crs: placeSchema,
  /** The tile's grid, halo included. */
  grid: gridSpecSchema,
  haloCells: z.int().nonnegative().max(4096),
  heightRange: heightRangeSchema,
  /** Height prior for per-pixel ranges: a DSM of the level above (bands low, high: metres), or null. */
  priorKey: placeSchema.nullable(),
  ref: taskImageSchema, sec: taskImageSchema,
  /** True secondary position = correction applied to the RPC's; full-resolution pixels. */
  correction: affineSchema,
  params: stereoParamsSchema,
  memoryBudgetMb: z.number().positive(),
  outKey: placeSchema,
});
export type StereoTask = Readonly<z.infer<typeof stereoTaskSchema>>;

/** What is the same in all tasks of a pair at a level, in the order it is written; and the schema of the rest. */
export const repeatedParts = ['ref', 'sec', 'correction', 'params'] as const;
export const variedPartsSchema = stereoTaskSchema.omit({ ref: true, sec: true, correction: true, params: true });

export const taskSchema = z.discriminatedUnion('kind', [ingestTaskSchema, alignTaskSchema, stereoTaskSchema]);
export type Task = Readonly<z.infer<typeof taskSchema>>;
export type TaskKind = Task['kind'];

/** One match of align, full-resolution pixels of both images, and its normalised cross-correlation. */
export const alignMatchesSchema = z.object({
  matches: z.array(z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()])).max(1_000_000),
});
export type AlignMatches = Readonly<z.infer<typeof alignMatchesSchema>>;
