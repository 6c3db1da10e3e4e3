// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { runVariable } from './environment.js';

/** Processes that carry a run's mark, with their command lines. */
export function markedProcesses(marker: string): { readonly pid: number; readonly command: string }[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const variables = readFileSync(`/proc/${name}/environ`, 'latin1').split('\0');
      if (!variables.includes(`${runVariable}=${marker}`)) return [];
      return [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() }];
    } catch {
      // It ended meanwhile, or isn't ours to read, and so not ours.
      return [];
    }
  });
}

/** Whether somebody listens at a port of this machine. */
export const isBound = (port: number): Promise<boolean> => new Promise((resolve) => {
  const socket = connect(port, '127.0.0.1');
  socket.on('connect', () => {
    socket.destroy();
    resolve(true);
  });
  socket.on('error', () => { resolve(false); });
});
