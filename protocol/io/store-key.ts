// SPDX-License-Identifier: Apache-2.0
import { InputError } from '../src/errors.js';

/**
 * Checks that a key is relative, '/'-separated, without empty, '.' or '..' segments, backslashes or control characters, well-formed
 * Unicode, at most 900 bytes (S3 allows 1,024) with at most 250 in a segment (file systems allow 255). Nothing in it is decoded: '%2e' is
 * three characters of a name. Throws InputError.
 */
export function checkKey(key: string): void {
  const problem = keyProblem(key);
  if (problem !== null) throw new InputError(`object key ${shown(key)} ${problem}`);
}

/** As checkKey, for a prefix: that may be empty, end in '/' or in the middle of a segment. */
export function checkPrefix(prefix: string): void {
  if (prefix !== '') checkKey(`${prefix}x`);
}

const shown = (key: string): string => JSON.stringify(key.length <= 100 ? key : `${key.slice(0, 100)}...`);

/** What nearly all keys look like: short ones of plain names are found right in one step. */
const plainKey = /^[\w-][\w.-]*(?:\/[\w-][\w.-]*)*$/;
const mostPlain = 250;

function keyProblem(key: string): string | null {
  if (key.length <= mostPlain && plainKey.test(key)) return null;
  if (key.startsWith('/')) return 'is absolute; keys are relative to the store';
  if (Buffer.byteLength(key) > 900) return 'is longer than 900 bytes';
  if (/[\\\p{Cc}]/u.test(key)) return 'has a backslash or a control character';
  // Both stores would write half a surrogate pair as the same replacement character.
  if (/\p{Cs}/u.test(key)) return 'is not well-formed Unicode';
  for (const segment of key.split('/')) {
    if (segment === '') return 'has an empty segment';
    if (Buffer.byteLength(segment) > 250) return 'has a segment longer than 250 bytes';
    if (segment === '.' || segment === '..') return `has the segment '${segment}'`;
  }
  // The file store keeps its unfinished writes there.
  if (key.startsWith(`${stagingFolder}/`) || key === stagingFolder) return `starts with ${stagingFolder}, which the store keeps for itself`;
  return null;
}

/** The folder under a file store's root that holds objects not yet published. */
export const stagingFolder = '.staging';
