// SPDX-License-Identifier: Apache-2.0
// What cases of bad input share: a folder with a good pair, programs run to their end, and the messages they leave.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RpcModel } from '@altiplano/protocol';
import { type RasterArray, writeGeoTiff } from '@altiplano/kernels/raster';
import { flatImage } from '../../src/testing/flat-world.js';

/** How a case ended: the exit code or the task's state, and what the user is told. */
export interface CaseEnd { readonly end: string; readonly message: string }

export interface BadInput {
  readonly what: string;
  /** As a user would type it, or the program that got it. */
  readonly command: string;
  /** null: this machine can't run the case. */
  readonly run: () => Promise<CaseEnd | null>;
}

export interface Section { readonly title: string; readonly text: string; readonly cases: readonly BadInput[] }

export const side = 200;

/** The pixels of a flat textured world as a camera with that slope sees it. */
export const texture = (slopeE: number): Uint16Array =>
  Uint16Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [i % side, Math.floor(i / side)];
    return 500 + ((x * 7919 + y * 104_729 + Math.round(slopeE) * 31) % 997);
  });

/** Pixels without any pattern. */
export function noise(seed: number, count: number): Uint16Array {
  let state = seed; // xorshift (Marsaglia 2003)
  return new Uint16Array(count).map(() => {
    for (const shift of [13, -17, 5]) state ^= shift > 0 ? state << shift : state >>> -shift;
    return 500 + ((state >>> 0) % 1009);
  });
}

/** The camera of an image of the flat world, looking from west or east of the zenith. */
export function camera(slopeE: number, north = 56_000): RpcModel {
  return flatImage({ width: side, height: side, gsdM: 0.5, east: 501_000, north, slopeE, slopeN: 0.02, heights: [0, 60] }).rpc;
}

/** Writes an image of the flat world into a folder. */
export function writeImage(folder: string, name: string, options: { readonly slopeE?: number; readonly rpc?: RpcModel | null; readonly data?: RasterArray } = {}): string {
  const { slopeE = -0.25, rpc = camera(slopeE), data = texture(slopeE) } = options;
  const path = join(folder, name);
  writeGeoTiff(path, { width: side, height: side, bands: [{ data }], ...(rpc !== null && { rpc }) });
  return path;
}

export const program = fileURLToPath(new URL('../../../bin/altiplano.js', import.meta.url));

export interface Ended { readonly code: number; readonly stdout: string; readonly stderr: string }

/** Runs a program to its end. */
export function runProgram(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd?: string): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(command, [...args], { env: { ...process.env, ...env }, maxBuffer: 2 ** 26, timeout: 120_000, ...(cwd !== undefined && { cwd }) }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr });
    });
  });
}

/** A case of the command line, run in the folder: `args` is what stands behind `altiplano`. `prefix`: a program that runs it under other rights. */
export function commandCase(folder: string, what: string, args: string, options: { readonly env?: Readonly<Record<string, string>>; readonly prefix?: readonly string[]; readonly shown?: string } = {}): BadInput {
  return {
    what, command: `altiplano ${options.shown ?? args}`,
    async run() {
      const [first = process.execPath, ...rest] = [...options.prefix ?? [], process.execPath, program, ...args.split(' ')];
      return endOf(await runProgram(first, rest, options.env, folder));
    },
  };
}

/** The exit code, and the lines of an error or a note; of a run also what became of its tiles. */
export function endOf({ code, stdout, stderr }: Ended): CaseEnd {
  if (/\n +at /.test(stderr)) throw new Error(`a stack, not a message:\n${stderr}`);
  const lines = [...stderr.split('\n'), ...stdout.split('\n')];
  const told = lines.filter((line) => /^altiplano: |^error: |^note: |^note  |^failed: |^tiles: /.test(line)).map((line) => line.replace(/^(altiplano|error): /, '').replace(/^note +/, 'note: '));
  return { end: `exit code ${code}`, message: told.join('; ') };
}
