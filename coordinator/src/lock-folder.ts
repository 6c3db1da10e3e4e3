// SPDX-License-Identifier: Apache-2.0
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '@altiplano/protocol';

/**
 * Makes a folder this process's alone by a file `run.pid` in it; resolves to what gives it back. A file of a
 * process that is gone doesn't count. Throws InputError where another process has it, or seems to: numbers come again, in containers often, and
 * of two runs that may be one is refused.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'run.pid');
  const take = (): Promise<boolean> => writeFile(path, `${process.pid}\n`, { flag: 'wx' }).then(() => true, (error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  });
  if (!(await take())) {
    const pid = Number(await readFile(path, 'utf8').catch(() => ''));
    if (pid > 0 && isAlive(pid)) throw new InputError(`out: another run (process ${pid}) works in ${folder}; wait for it, or choose another --out. If no such run is there, delete ${path}`);
    await rm(path, { force: true });
    if (!(await take())) throw new InputError(`out: another run began in ${folder} just now; choose another --out`);
  }
  return () => rm(path, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user is one all the same.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
