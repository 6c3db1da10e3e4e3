// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { failureClasses } from './attempt.js';
import { sceneIdSchema } from './scene.js';

/** How a task ended, as the ledger keeps it. 'empty' and 'dead' always say why. */
export const taskOutcomeSchema = z.object({
  v: z.literal(1),
  sceneId: sceneIdSchema,
  taskId: z.string(),
  kind: z.enum(['ingest', 'align', 'coarse', 'stereo']),
  state: z.enum(['done', 'empty', 'dead']),
  /** Why it is empty: 'outside-image', 'no-data', 'no-overlap', 'no-match', … */
  reason: z.string().optional(),
  error: z.object({ code: z.string(), message: z.string(), stage: z.string().optional(), class: z.enum(failureClasses).optional(), signal: z.string().optional() }).optional(),
  taskHash: z.string(),
  round: z.int().nonnegative(),
  /** Store key of the result of a done task. */
  outKey: z.string().optional(),
  /** How often it was run in this round, this time included; attempts handed back by a drain don't count. */
  attempts: z.int().positive(),
  /** Where the agent's log lies, e.g. a file's path on the agent's host. */
  log: z.string().optional(),
  agent: z.string(),
  startedAt: z.iso.datetime(),
  wallSeconds: z.number(), cpuSeconds: z.number(),
  /** Seconds per stage: read, geometry, rectify, match, filter, triangulate, rasterize, store, … */
  stages: z.record(z.string(), z.number()),
  /** Numbers for reports: matchedPixels, deliveredCells, validCells, disparities, rangeClipped (0/1), epipolarResidualPx, … */
  metrics: z.record(z.string(), z.number()),
});
export type TaskOutcome = Readonly<z.infer<typeof taskOutcomeSchema>>;

/** What every event tells. */
const told = { v: z.literal(1), sceneId: sceneIdSchema, taskId: z.string(), kind: z.string(), agent: z.string(), at: z.iso.datetime() };

/** What agents tell about tasks as they go, heard or not. */
export const taskEventSchema = z.discriminatedUnion('type', [
  z.object({ ...told, type: z.literal('started'), attempt: z.int() }),
  z.object({ ...told, type: z.literal('retrying'), attempt: z.int(), error: z.string() }),
  z.object({ ...told, type: z.literal('ended'), outcome: taskOutcomeSchema }),
]);
export type TaskEvent = Readonly<z.infer<typeof taskEventSchema>>;
