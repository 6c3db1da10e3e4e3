// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { taskKinds } from './task-kinds.js';

/** What an agent tells of itself every few seconds while it lives. */
export const agentInfoSchema = z.object({
  v: z.literal(1),
  host: z.string(),
  pid: z.int().positive(),
  cores: z.int().positive(),
  /** The instruction set its kernels use, e.g. AVX2. */
  simd: z.string(),
  version: z.string(),
  slots: z.int().positive(),
  kinds: z.array(z.enum(taskKinds)),
  /** 'draining': it pulls no more, and ends when nothing is left in its hands. */
  state: z.enum(['working', 'draining']),
  inHand: z.array(z.object({
    sceneId: z.string(), taskId: z.string(), kind: z.string(),
    since: z.iso.datetime(),
    /** The stage it has reached, where it has told. */
    stage: z.string().optional(),
  })),
  startedAt: z.iso.datetime(),
  /** Where its log lies, for people. */
  log: z.string(),
});
export type AgentInfo = Readonly<z.infer<typeof agentInfoSchema>>;
