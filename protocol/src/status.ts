// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { sceneIdSchema } from './scene.js';

const count = z.int().nonnegative();
const counts = { done: count, empty: count, dead: count };

/** Where a scene stands, as its coordinator last wrote it. */
export const sceneStatusSchema = z.object({
  v: z.literal(1),
  sceneId: sceneIdSchema,
  /** Number of the lease of the coordinator that wrote it, and its name. */
  epoch: z.int().nonnegative(),
  coordinator: z.string(),
  /** The last order it has obeyed. */
  order: z.int().nonnegative(),
  phase: z.enum(['planned', 'ingest', 'align', 'pointing', 'tiles', 'merging', 'ranging', 'publishing', 'done', 'partial', 'failed', 'cancelled']),
  /** Reduction of the level that the phases tiles, merging and ranging are about; null for the others. */
  level: z.int().positive().nullable(),
  startedAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  /** Tasks of the phase. */
  tasks: z.object({ total: count, published: count, ...counts }),
  /** Tiles at full resolution. */
  tiles: z.object({ planned: count, ...counts }),
  /** Dead tasks of all phases so far, by kind. */
  deadTasks: z.object({ ingest: count, align: count, coarse: count, stereo: count }).default({ ingest: 0, align: 0, coarse: 0, stereo: 0 }),
  failure: z.string().nullable(),
  /** The last of them, and how many there were before these; the coordinator's log has them all. */
  warnings: z.array(z.string()),
  earlierWarnings: count.default(0),
  /** Store keys of the products by name, once there are any. */
  products: z.record(z.string(), z.string()),
});
export type SceneStatus = Readonly<z.infer<typeof sceneStatusSchema>>;

/** Who coordinates: written once per epoch, by whoever made the key first. */
export const leaseSchema = z.object({ v: z.literal(1), epoch: z.int().positive(), coordinator: z.string(), host: z.string(), pid: z.int(), at: z.iso.datetime(), nonce: z.string() });
export type Lease = Readonly<z.infer<typeof leaseSchema>>;

/**
 * A sign of life of an epoch's coordinator, replaced every few seconds. Others compare it with what they read before by their own
 * clocks, so no two clocks need to agree. `released`: it stopped in good order, and anybody may take over at once.
 */
export const beatSchema = z.object({ v: z.literal(1), epoch: z.int().positive(), count: z.int().nonnegative(), at: z.iso.datetime(), released: z.boolean() });
export type Beat = Readonly<z.infer<typeof beatSchema>>;
