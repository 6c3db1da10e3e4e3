// SPDX-License-Identifier: Apache-2.0
import { UsageError } from '../harness/options.js';

/** '1-200', '7', '1-3,9'. Throws UsageError. */
export function parseSeeds(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? [];
    const [first, last] = [Number(from), Number(to ?? from)];
    if (from === undefined || last < first) throw new UsageError(`Expected seeds as in 1-200 or 3,7,20-30 but received '${text}'`);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** Every kind of fault is among these seeds. */
export const quickSeeds = '2-7,9,10,14,23,26';
