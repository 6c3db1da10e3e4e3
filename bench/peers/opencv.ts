// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** Sources are compiled into dist; the script stays beside them. */
const script = fileURLToPath(new URL('../../peers/opencv_sgbm.py', import.meta.url));

export const openCvModes = ['5 paths', 'HH, 8 paths', '3WAY, 3 paths'] as const;
export type OpenCvMode = (typeof openCvModes)[number];

/** Two images of the same size, 8 bits; x_left - x_right is searched from 0 to count - 1. */
export interface BytePair { readonly left: Uint8Array; readonly right: Uint8Array; readonly width: number; readonly height: number; readonly count: number }

export interface OpenCv {
  /** Hands over the pair that `match` works on. */
  load(pair: BytePair): Promise<void>;
  /** Disparities x_left - x_right, NaN = none, and the CPU seconds of the call that found them. */
  match(mode: OpenCvMode): Promise<{ readonly disparity: Float32Array; readonly cpuSeconds: number }>;
  close(): Promise<void>;
}

const answerSchema = z.object({ cpuSeconds: z.number() });

/** glibc neither gives large blocks back nor asks for them anew (mallopt(3)). */
const keepingMemory = ['env', 'GLIBC_TUNABLES=glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=17179869184'];

/**
 * Starts OpenCV in a Python of its own, which stays for all calls: nothing of its start is measured. Files go below `folder`, an existing one.
 * `keepsMemory`: what a call frees stays with the process for the next, as our matcher's memory does. As it comes OpenCV gives its volume back
 * to the system each time, which clears it for the next call.
 */
export async function openOpenCv(python: string, folder: string, keepsMemory = false): Promise<OpenCv> {
  const [command, ...words] = [...(keepsMemory ? keepingMemory : []), python, script];
  const child = spawn(command, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`${python} ${script} ended early`);
    return JSON.parse(value);
  };
  await next();
  const files = await mkdtemp(join(folder, 'opencv-'));
  const [left, right, out] = ['left.bytes', 'right.bytes', 'disparity.float32'].map((name) => join(files, name)) as [string, string, string];
  let loaded: BytePair | null = null;
  return {
    async load(pair) {
      await Promise.all([writeFile(left, pair.left), writeFile(right, pair.right)]);
      loaded = pair;
    },
    async match(mode) {
      if (loaded === null) throw new Error('no pair was loaded');
      const { width, height, count } = loaded;
      child.stdin.write(`${JSON.stringify({ left, right, out, width, height, minDisparity: 0, numDisparities: count, mode })}\n`);
      const { cpuSeconds } = answerSchema.parse(await next());
      const bytes = await readFile(out);
      return { disparity: new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)), cpuSeconds };
    },
    async close() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
