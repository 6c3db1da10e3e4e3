// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

/**
 * How much of anything is read. What we write stays far below; what lies above is broken or hostile, and is refused before it costs
 * memory or lands in a log, a file name or a subject.
 */

/** A task or event, bytes; real tasks have 4 to 6 KB. Dead letters hold one and may have twice as many. */
export const maxMessageBytes = 2 ** 18;
/** What the store keeps as JSON, bytes. A plan, the largest, grows with a scene's rows. */
export const maxStoredBytes = 2 ** 26;
/** An error's text, characters; writers cut theirs. */
export const maxTextLength = 4096;

/** A text as it may be kept and shown: longer ones are cut, and say so. */
export const cutText = (text: string): string => (text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength - 6)} [...]`);

/** An id that is part of keys, subjects and file names. */
export const idSchema = z.string().regex(/^[A-Za-z0-9_-]{1,120}$/, 'expected 1 to 120 of A-Z, a-z, 0-9, _ and -');
/** Any short name: an agent, a hash, a code. */
export const nameSchema = z.string().max(256);
/** A path, URL, key or CRS: what a system takes for a path. */
export const placeSchema = z.string().max(4096);
export const textSchema = z.string().max(maxTextLength);
/** Columns or rows of an image or grid. */
export const sideSchema = z.int().positive().max(2_147_483_647);
/** Numbers by name: seconds per stage, metrics. */
export const figuresSchema = z.record(z.string().max(64), z.number())
  .refine((figures) => Object.keys(figures).length <= 100, 'expected at most 100 figures');
