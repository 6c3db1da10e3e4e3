// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { idSchema, nameSchema, placeSchema, sideSchema, textSchema } from './fields.js';
import { type GridSpec, groundBoxSchema, heightRangeSchema } from './raster.js';
import { rpcModelSchema } from './rpc-model.js';
import { stereoParamsSchema } from './params.js';

export const sceneIdSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a scene id is 1 to 63 of a-z, 0-9 and -');

/** What a user asks for, after the command line or the API was parsed. Paths are absolute. */
export const sceneRequestSchema = z.object({
  sceneId: sceneIdSchema,
  images: z.array(z.object({
    path: placeSchema.min(1),
    /** 1-based band of a multi-band image. */
    band: z.int().positive().default(1),
    /** A separate mask raster of the same size: 0 = not valid. */
    mask: placeSchema.optional(),
  })).min(2).max(1000),
  /** (reference, secondary) image indices; default: image 0 with each other. */
  pairs: z.array(z.tuple([z.int().nonnegative(), z.int().nonnegative()])).max(10_000).optional(),
  resolution: z.number().positive().default(0.5),
  /** A projected CRS in metres, e.g. EPSG:32636; default: the UTM zone of the overlap's centroid. */
  crs: placeSchema.optional(),
  /** Polygon ring, longitude and latitude in degrees. */
  roi: z.array(z.tuple([z.number(), z.number()])).min(4).max(100_000).optional(),
  heightRange: heightRangeSchema.optional(),
  dem: placeSchema.optional(),
  geoid: placeSchema.optional(),
  tileCells: z.int().positive().multipleOf(64).optional(),
  memoryBudgetMb: z.number().positive().default(1500),
  params: stereoParamsSchema,
});
export type SceneRequest = Readonly<z.infer<typeof sceneRequestSchema>>;

/** One image of a scene, as the plan knows it. Its pixels are at `key` after ingest. */
const imagePlanSchema = z.object({
  index: z.int().nonnegative(),
  source: placeSchema,
  /** The RPC's file, for reports. */
  rpcSource: placeSchema,
  /** Equal for files of equal content, so that a changed file is another scene. */
  fingerprint: nameSchema,
  band: z.int().positive(),
  mask: placeSchema.nullable(),
  width: sideSchema, height: sideSchema,
  rpc: rpcModelSchema,
  /** Ground sample distance in metres, mean of both axes. */
  gsdM: z.number().positive(),
  /** Store key of the ingested GeoTIFF (first band pixels, internal mask, overviews). */
  key: placeSchema,
});
export type ImagePlan = Readonly<z.infer<typeof imagePlanSchema>>;

const pairPlanSchema = z.object({
  /** '<reference>_<secondary>', e.g. '0_1'. */
  id: idSchema,
  ref: z.int().nonnegative(), sec: z.int().nonnegative(),
  /** Base-to-height ratio: metres of parallax per metre of height. */
  baseToHeight: z.number(),
  /** Bounding box of the pair's common ground over the whole height domain. */
  overlap: groundBoxSchema,
  /** Common ground (in the ROI) at the height where it is largest, square metres. */
  overlapAreaM2: z.number(),
});
export type PairPlan = Readonly<z.infer<typeof pairPlanSchema>>;

/** A square block of the level's global grid; `ix`, `iy` count tiles eastward and northward from the CRS origin. */
export interface TilePlan {
  /** 'x<ix>y<iy>' */
  readonly id: string;
  readonly ix: number;
  readonly iy: number;
  /** The cells this tile owns: tileCells square, less at the scene's rim where it is cut to what is seen. */
  readonly core: GridSpec;
  readonly pairs: readonly string[];
}

/** Tiles side by side in a row of the level's grid that are alike. A plan lists runs, so that it grows with a scene's rows and not with its area. */
const tileRunSchema = z.object({
  /** The westernmost tile; the others are ix + 1, ix + 2, ... */
  ix: z.int(), iy: z.int(),
  count: z.int().positive(),
  /** The cells each tile owns of its square: column and row of the first, counted from the square's upper left, width and height. */
  core: z.tuple([z.int().nonnegative(), z.int().nonnegative(), z.int().positive(), z.int().positive()]),
  pairs: z.array(idSchema).max(10_000),
});
export type TileRun = Readonly<z.infer<typeof tileRunSchema>>;

/** One resolution level of the scene: 1 is full resolution, 4 and 16 reduced images and grids. */
const levelPlanSchema = z.object({
  factor: z.int().positive(),
  resolution: z.number().positive(),
  tileCells: z.int().positive(),
  /** Cells computed around the core on every side, feathered in the merge. */
  haloCells: z.int().nonnegative(),
  /** The most disparities a task of this level may search per pixel, from the memory budget. */
  maxDisparities: z.int().positive(),
  /** North to south, west to east; no tile twice. */
  tileRuns: z.array(tileRunSchema),
});
export type LevelPlan = Readonly<z.infer<typeof levelPlanSchema>>;

const alignWindowSchema = z.object({ id: idSchema, pair: idSchema, box: groundBoxSchema });
export type AlignWindow = Readonly<z.infer<typeof alignWindowSchema>>;

/** The scene's plan, written once to the store. Everything later is derived from it and the ledger. */
export const scenePlanSchema = z.object({
  v: z.literal(1),
  sceneId: sceneIdSchema,
  /** The program that made the plan: version+hash. Another program's results are another scene's. */
  software: nameSchema.min(1),
  request: sceneRequestSchema,
  crs: placeSchema,
  images: z.array(imagePlanSchema).max(1000),
  pairs: z.array(pairPlanSchema).max(10_000),
  heightDomain: heightRangeSchema,
  alignWindows: z.array(alignWindowSchema),
  /** Coarsest first, full resolution last. */
  levels: z.array(levelPlanSchema).min(1).max(16),
  /** What had to be given up, in words, e.g. a clipped height domain. */
  warnings: z.array(textSchema).max(10_000),
});
export type ScenePlan = Readonly<z.infer<typeof scenePlanSchema>>;
