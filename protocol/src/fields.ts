// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { maxTextLength } from './limits.js';

// What the schemas' fields have in common, each with its bound.

/** An id that is part of keys, subjects and file names. */
export const idSchema = z.string().regex(/^[A-Za-z0-9_-]{1,120}$/, 'expected 1 to 120 of A-Z, a-z, 0-9, _ and -');
/** Any short name: an agent, a hash, a code. */
export const nameSchema = z.string().max(256);
/** A path, URL, key or CRS: what a system takes for a path. */
export const placeSchema = z.string().max(4096);
export const textSchema = z.string().max(maxTextLength);
/** Columns or rows of an image or grid. */
export const sideSchema = z.int().positive().max(2_147_483_647);
/** Numbers by name: seconds per stage, metrics. Checked by hand: every event has two of them, and zod's own record takes ten times as long. */
export const figuresSchema = z.custom<Record<string, number>>(areFigures, 'expected at most 100 finite numbers by names of at most 64 characters');

function areFigures(value: unknown): boolean {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  let count = 0;
  for (const [name, figure] of Object.entries(value)) {
    count += 1;
    if (count > 100 || name.length > 64 || !Number.isFinite(figure)) return false;
  }
  return true;
}
