// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Comparison } from '@altiplano/coordinator';

const program = fileURLToPath(new URL('../../../coordinator/bin/altiplano.js', import.meta.url));

/** Runs `altiplano compare DSM REFERENCE ARGS… --json` and returns its figures. Throws with the program's words where it fails. */
export function compareByCommand(dsm: string, reference: string, args: readonly string[] = []): Promise<Comparison> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, 'compare', dsm, reference, ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => { stdout += String(data); });
    child.stderr.on('data', (data) => { stderr += String(data); });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0) reject(new Error(`altiplano compare ${dsm} ${reference}: exit code ${String(code)}\n${stderr}`));
      else resolve(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Comparison);
    });
  });
}
