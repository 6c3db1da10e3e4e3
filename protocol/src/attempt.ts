// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { idSchema, nameSchema, placeSchema, textSchema } from './fields.js';
import { sceneIdSchema } from './scene.js';

/**
 * Why an attempt failed, and so what becomes of the task:
 * permanent (the input can't be used: dead at once), transient (a service was away: later again), unknown (an error that is not ours:
 * a few times again), memory (again, split in four), crash (its process died by a signal: again in a process of its own), timeout
 * (took longer than a task may: as crash), vanished (its agent was not heard of again: as crash, but nobody knows that the task was to blame).
 * What follows from which of them, and how often: node-agent/src/next-attempt.ts.
 */
export const failureClasses = ['permanent', 'transient', 'unknown', 'memory', 'crash', 'timeout', 'vanished'] as const;
export type FailureClass = (typeof failureClasses)[number];

/**
 * An attempt at a task that ended without an outcome. 'drain': its agent was asked to stop, which costs the task nothing.
 * The ledger keeps one object per attempt and replaces none, so that no two agents can lose each other's count.
 */
export const taskAttemptSchema = z.object({
  v: z.literal(1),
  sceneId: sceneIdSchema,
  taskId: idSchema,
  kind: nameSchema,
  taskHash: nameSchema,
  round: z.int().nonnegative(),
  class: z.enum([...failureClasses, 'drain']),
  code: nameSchema,
  message: textSchema,
  /** The stage it was in, where somebody knows. */
  stage: nameSchema.optional(),
  /** What ended its process, e.g. SIGSEGV. */
  signal: nameSchema.optional(),
  agent: nameSchema,
  /** Which delivery of which message it was, '<message>-<number>': the same one counts once, whoever tells of it. */
  delivery: idSchema.optional(),
  startedAt: z.iso.datetime().optional(),
  at: z.iso.datetime(),
  /** It ran in a process of its own. */
  isolated: z.boolean(),
  /** It ran split in four. */
  split: z.boolean(),
  log: placeSchema.optional(),
});
export type TaskAttempt = Readonly<z.infer<typeof taskAttemptSchema>>;
