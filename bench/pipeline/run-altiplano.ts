// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { RunSummary } from '@altiplano/coordinator';

/** The command's file. */
export const altiplano = fileURLToPath(new URL('../../../coordinator/bin/altiplano.js', import.meta.url));

export interface RunOptions {
  /** Show the program's progress on standard error; default true. */
  readonly showProgress?: boolean;
  /** Words before the program's own, e.g. ['taskset', '-c', '0']; they must replace themselves by it (exec), so that ids stay. */
  readonly launcher?: readonly string[];
  /** Called with the process id as soon as the program runs. */
  readonly onStart?: (pid: number) => void;
}

export interface RunEnd { readonly exitCode: number; readonly summary: RunSummary | null; readonly stderr: string }

/** Runs `altiplano ARGS… --json` as a user would, in its own process. Never throws for an exit code: the caller judges it. */
export function runAltiplano(args: readonly string[], { showProgress = true, launcher = [], onStart }: RunOptions = {}): Promise<RunEnd> {
  return new Promise((resolve, reject) => {
    const [command, ...words] = [...launcher, process.execPath, altiplano, ...args, '--json'];
    const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => { stdout += String(data); });
    child.stderr.on('data', (data) => {
      stderr += String(data);
      if (showProgress) process.stderr.write(data);
    });
    child.on('error', reject);
    child.on('spawn', () => { if (child.pid !== undefined) onStart?.(child.pid); });
    child.on('close', (code) => {
      const last = stdout.trimEnd().split('\n').at(-1) ?? '';
      const summary = last.startsWith('{') ? JSON.parse(last) as RunSummary : null;
      resolve({ exitCode: code ?? 1, summary, stderr });
    });
  });
}

/** As runAltiplano, for callers that need a finished scene. Throws with the program's own words otherwise. */
export async function runScene(args: readonly string[], options?: RunOptions): Promise<RunSummary> {
  const { exitCode, summary, stderr } = await runAltiplano(['run', ...args], options);
  if (summary === null || exitCode !== 0) throw new Error(`altiplano run ${args.join(' ')}: exit code ${exitCode}\n${stderr.slice(-2000)}`);
  return summary;
}
