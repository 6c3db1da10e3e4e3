// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A name beside `path` that nobody else uses. */
export function temporaryBeside(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  return join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(6).toString('hex')}.part`);
}

/** Lets `write` fill a temporary file beside `path` and renames it: readers find the whole file or none. */
export function writeAtomically(path: string, write: (temporary: string) => void): void {
  const temporary = temporaryBeside(path);
  try {
    write(temporary);
    renameSync(temporary, path);
  } catch (error) {
    // GDAL leaves half-made helpers (.ovr.tmp) beside a file that failed.
    for (const name of readdirSync(dirname(path))) {
      if (name.startsWith(basename(temporary))) rmSync(join(dirname(path), name), { force: true });
    }
    throw error;
  }
}
