// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';

/** Runs a program to its end, its output in a log: its exit code, null where a signal ended it. An abort kills it and is thrown. */
export async function runProgram(command: readonly string[], env: Readonly<Record<string, string>>, logFile: string, signal: AbortSignal): Promise<number | null> {
  const log = openSync(logFile, 'a');
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], { stdio: ['ignore', log, log], env: { ...env } });
  closeSync(log);
  const onAbort = (): void => { child.kill('SIGKILL'); };
  signal.addEventListener('abort', onAbort);
  const [code]: unknown[] = await once(child, 'exit');
  signal.removeEventListener('abort', onAbort);
  signal.throwIfAborted();
  return typeof code === 'number' ? code : null;
}
