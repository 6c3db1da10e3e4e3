// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { failureClasses } from './attempt.js';
import { figuresSchema, idSchema, nameSchema, placeSchema, textSchema } from './fields.js';
import { sceneIdSchema } from './scene.js';

/** How a task ended, as the ledger keeps it. 'empty' and 'dead' always say why. */
export const taskOutcomeSchema = z.object({
  v: z.literal(1),
  sceneId: sceneIdSchema,
  taskId: idSchema,
  kind: z.enum(['ingest', 'align', 'coarse', 'stereo']),
  state: z.enum(['done', 'empty', 'dead']),
  /** Why it is empty: 'outside-image', 'no-data', 'no-overlap', 'no-match', … */
  reason: nameSchema.optional(),
  error: z.object({ code: nameSchema, message: textSchema, stage: nameSchema.optional(), class: z.enum(failureClasses).optional(), signal: nameSchema.optional() }).optional(),
  taskHash: nameSchema,
  round: z.int().nonnegative(),
  /** Store key of the result of a done task. */
  outKey: placeSchema.optional(),
  /** How often it was run in this round, this time included; attempts handed back by a drain don't count. */
  attempts: z.int().positive(),
  /** Where the agent's log lies, e.g. a file's path on the agent's host. */
  log: placeSchema.optional(),
  agent: nameSchema,
  startedAt: z.iso.datetime(),
  wallSeconds: z.number(), cpuSeconds: z.number(),
  /** Seconds per stage: read, geometry, rectify, match, filter, triangulate, rasterize, store, … */
  stages: figuresSchema,
  /** Numbers for reports: matchedPixels, deliveredCells, validCells, disparities, rangeClipped (0/1), epipolarResidualPx, … */
  metrics: figuresSchema,
});
export type TaskOutcome = Readonly<z.infer<typeof taskOutcomeSchema>>;

/** What every event tells. */
const told = { v: z.literal(1), sceneId: sceneIdSchema, taskId: idSchema, kind: nameSchema, agent: nameSchema, at: z.iso.datetime() };

/** What agents tell about tasks as they go, heard or not. */
export const taskEventSchema = z.discriminatedUnion('type', [
  z.object({ ...told, type: z.literal('started'), attempt: z.int() }),
  z.object({ ...told, type: z.literal('retrying'), attempt: z.int(), error: textSchema }),
  z.object({ ...told, type: z.literal('ended'), outcome: taskOutcomeSchema }),
]);
export type TaskEvent = Readonly<z.infer<typeof taskEventSchema>>;
