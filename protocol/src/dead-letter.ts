// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

/** What the DEAD stream keeps of a task that nobody will try again: enough to see why, and to replay it. */
export const deadLetterSchema = z.object({
  v: z.literal(1),
  sceneId: z.string(),
  taskId: z.string(),
  error: z.object({ code: z.string(), message: z.string() }),
  attempts: z.int().positive(),
  agent: z.string(),
  at: z.iso.datetime(),
  /** The task's message as it was delivered, readable or not. */
  task: z.instanceof(Uint8Array),
});
export type DeadLetter = Readonly<z.infer<typeof deadLetterSchema>>;
