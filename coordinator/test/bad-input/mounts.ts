// SPDX-License-Identifier: Apache-2.0
import { tmpdir } from 'node:os';
import { runProgram } from './world.js';

/** Runs what follows with mounts of its own. */
export const withMounts = ['unshare', '--map-root-user', '--mount'];

/** Whether this machine lets a test mount a disk; containers often don't. */
export async function mayMount(): Promise<boolean> {
  const [program = '', ...args] = withMounts;
  return (await runProgram(program, [...args, 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()])).code === 0;
}
