// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { nameSchema, textSchema } from './fields.js';
import { maxMessageBytes } from './limits.js';

/** What the DEAD stream keeps of a task that nobody will try again: enough to see why, and to replay it. */
export const deadLetterSchema = z.object({
  v: z.literal(1),
  sceneId: nameSchema,
  taskId: nameSchema,
  error: z.object({ code: nameSchema, message: textSchema }),
  attempts: z.int().positive(),
  agent: nameSchema,
  at: z.iso.datetime(),
  /** The task's message as it was delivered, readable or not; the beginning of one that is too long to be a task. */
  task: z.instanceof(Uint8Array).refine(({ length }) => length <= maxMessageBytes, `expected at most ${maxMessageBytes} bytes`),
});
export type DeadLetter = Readonly<z.infer<typeof deadLetterSchema>>;
