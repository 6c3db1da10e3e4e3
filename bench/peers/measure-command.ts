// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TreeUse, watchTree } from '../pipeline/process-tree.js';

export interface CommandMeasure {
  readonly exitCode: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly tree: TreeUse;
  /** The end of what it printed. */
  readonly output: string;
}

/** Runs a command, measures it with everything it starts, and ends all of that after `timeoutMs`. */
export async function measureCommand([program = '', ...args]: readonly string[], cwd: string, timeoutMs: number): Promise<CommandMeasure> {
  const begun = performance.now();
  // A group of its own: a timeout ends its children, too.
  const child = spawn(program, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const watch = watchTree(child.pid ?? 0);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { output = (output + String(data)).slice(-4000); });
  const timer = setTimeout(() => {
    output += `\nended after ${timeoutMs / 60_000} minutes`;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, timeoutMs);
  const [code]: unknown[] = await once(child, 'close').finally(() => { clearTimeout(timer); });
  const tree = watch.stop();
  // Processes that nobody waited for are missing in the kernel's sum, but were seen.
  const seen = tree.processes.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  return { exitCode: typeof code === 'number' ? code : 1, wallSeconds: (performance.now() - begun) / 1000, cpuSeconds: Math.max(tree.cpuSeconds, seen), tree, output };
}
