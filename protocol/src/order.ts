// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { figuresSchema, idSchema, nameSchema, placeSchema } from './fields.js';
import { sceneIdSchema } from './scene.js';

const base = { v: z.literal(1), sceneId: sceneIdSchema, number: z.int().positive(), at: z.iso.datetime(), by: nameSchema };

/**
 * What people asked of a scene: numbered from 1, each written once, so that they are the scene's history, too.
 * The last one that a person gave says whether it is to be worked on. Every replay counts for good: its number is the round of the tasks it
 * names, and a later one that names a task again takes its place. The coordinator replays, too, what is missing from the store.
 */
export const sceneOrderSchema = z.discriminatedUnion('type', [
  z.object({ ...base, type: z.literal('run'), keepIntermediates: z.boolean() }),
  z.object({ ...base, type: z.literal('resume') }),
  z.object({ ...base, type: z.literal('cancel') }),
  z.object({
    ...base, type: z.literal('replay'), taskIds: z.array(idSchema).min(1).max(10_000_000),
    /** Parameters that differ from the plan's, e.g. { p2: 60 }; names as in StereoParams. */
    set: figuresSchema,
  }),
]);
export type SceneOrder = Readonly<z.infer<typeof sceneOrderSchema>>;

/** What the catalog tells of a scene. */
export const catalogEntrySchema = z.object({ v: z.literal(1), sceneId: sceneIdSchema, submittedAt: z.iso.datetime(), by: nameSchema, images: z.array(placeSchema).max(1000) });
export type CatalogEntry = Readonly<z.infer<typeof catalogEntrySchema>>;
