// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { sceneIdSchema } from './scene.js';

const base = { v: z.literal(1), sceneId: sceneIdSchema, number: z.int().positive(), at: z.iso.datetime(), by: z.string() };

/**
 * What people asked of a scene: numbered from 1, each written once, so that they are the scene's history, too.
 * The last run, resume or cancel says whether it is to be worked on. Every replay counts for good: its number is the round of the tasks it
 * names, and a later one that names a task again takes its place.
 */
export const sceneOrderSchema = z.discriminatedUnion('type', [
  z.object({ ...base, type: z.literal('run'), keepIntermediates: z.boolean() }),
  z.object({ ...base, type: z.literal('resume') }),
  z.object({ ...base, type: z.literal('cancel') }),
  z.object({
    ...base, type: z.literal('replay'), taskIds: z.array(z.string()).min(1),
    /** Parameters that differ from the plan's, e.g. { p2: 60 }; names as in StereoParams. */
    set: z.record(z.string(), z.number()),
  }),
]);
export type SceneOrder = Readonly<z.infer<typeof sceneOrderSchema>>;

/** What the catalog tells of a scene. */
export const catalogEntrySchema = z.object({ v: z.literal(1), sceneId: sceneIdSchema, submittedAt: z.iso.datetime(), by: z.string(), images: z.array(z.string()) });
export type CatalogEntry = Readonly<z.infer<typeof catalogEntrySchema>>;
