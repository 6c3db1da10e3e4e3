// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunSummary } from '@altiplano/coordinator';
import { findNatsServer } from '@altiplano/protocol/io';
import { type Part, cpuParts } from './breakdown.js';
import { type BusBytes, watchBus } from './bus-bytes.js';
import { openMemoryGroup } from './memory-group.js';
import { type TreeUse, watchTree } from './process-tree.js';
import { runScene } from './run-altiplano.js';

export interface RunRequest {
  readonly images: readonly string[];
  /** Emptied before the run, kept after it. */
  readonly out: string;
  readonly agents: number;
  /** Cores all processes are pinned to; null = free. */
  readonly cores: readonly number[] | null;
  /** Memory that all processes and their files are held to, MB; null = whatever there is. */
  readonly memoryMb: number | null;
  /** More of the program's own options. */
  readonly options?: readonly string[];
}

/** One run of the program and what it used. */
export interface RunMeasure {
  readonly summary: RunSummary;
  /** From start to end of the program. */
  readonly wallSeconds: number;
  readonly tree: TreeUse;
  readonly parts: readonly Part[];
  readonly bus: BusBytes;
  /** Bytes of everything written to the store, by the first word of its key below the scene. */
  readonly storeBytes: Readonly<Record<string, number>>;
  /** Seconds from the program's start to the first merged coarse DSM in the store; null: the scene has no coarse level. */
  readonly firstPreviewSeconds: number | null;
  /** SHA-256 of the GeoTIFF products, by name. */
  readonly products: Readonly<Record<string, string>>;
}

/** Runs `altiplano run` on images and measures all of its processes. Nothing else may be started by this process meanwhile. */
export async function measureRun(request: RunRequest): Promise<RunMeasure> {
  const group = request.memoryMb === null ? null : await openMemoryGroup(request.memoryMb);
  try {
    return await measureIn(group?.launcher ?? [], request);
  } finally {
    await group?.close();
  }
}

async function measureIn(inGroup: readonly string[], { images, out, agents, cores, options = [] }: RunRequest): Promise<RunMeasure> {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const bus = watchBus(join(out, '.altiplano', 'bus'));
  const launcher = [...inGroup, 'env', `ALTIPLANO_NATS_SERVER=${await monitoredServer(out)}`, ...(cores === null ? [] : ['taskset', '-c', cores.join(',')])];
  const begun = performance.now(), begunAt = Date.now();
  const watching: { tree?: ReturnType<typeof watchTree> } = {};
  const stop = (): { readonly tree: TreeUse; readonly passed: BusBytes } =>
    ({ tree: watching.tree?.stop() ?? { cpuSeconds: NaN, processes: [], peakTogetherBytes: 0 }, passed: bus.stop() });
  const summary = await runScene([...images, '--out', out, '--agents', String(agents), '--keep-intermediates', ...options], {
    showProgress: false, launcher, onStart: (pid) => { watching.tree = watchTree(pid); },
  }).catch((error: unknown) => {
    stop(); // watches would keep this process running
    throw error;
  });
  const wallSeconds = (performance.now() - begun) / 1000;
  const { tree, passed } = stop();
  const files = await storedFiles(join(out, '.altiplano', 'store', 'scenes'));
  const previews = files.filter(({ key }) => isPreview(key)).map(({ writtenAt }) => (writtenAt - begunAt) / 1000);
  return {
    summary, wallSeconds, tree, parts: cpuParts(summary.stages, tree), bus: passed, storeBytes: bytesByKind(files),
    firstPreviewSeconds: previews.length === 0 ? null : Math.min(...previews), products: await productHashes(out),
  };
}

/** Whether a key, below its scene's, is that of a merged coarse DSM. */
export const isPreview = (key: string): boolean => /^coarse\/dsm-\d+\.\d+\.tif$/.test(key);

/** A nats-server that also answers how many bytes went through it, on a port of its choice, as its ports file tells. */
async function monitoredServer(folder: string): Promise<string> {
  const path = join(folder, 'nats-server-with-monitoring');
  await writeFile(path, `#!/bin/sh\nexec '${(await findNatsServer()).replaceAll("'", String.raw`'\''`)}' -m -1 "$@"\n`);
  await chmod(path, 0o755);
  return path;
}

interface StoredFile { readonly key: string; readonly bytes: number; readonly writtenAt: number }

/** Everything in the store of one scene, keys below the scene's. */
async function storedFiles(scenes: string): Promise<StoredFile[]> {
  const [scene = ''] = await readdir(scenes);
  const root = join(scenes, scene);
  const names = await readdir(root, { recursive: true, withFileTypes: true });
  return Promise.all(names.filter((entry) => entry.isFile()).map(async ({ parentPath, name }) => {
    const path = join(parentPath, name);
    const { size, mtimeMs } = await stat(path);
    return { key: path.slice(root.length + 1), bytes: size, writtenAt: mtimeMs };
  }));
}

function bytesByKind(files: readonly StoredFile[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { key, bytes } of files) {
    const [kind = ''] = key.split('/');
    sums[kind] = (sums[kind] ?? 0) + bytes;
  }
  return sums;
}

async function productHashes(out: string): Promise<Record<string, string>> {
  const names = (await readdir(out)).filter((name) => name.endsWith('.tif')).sort();
  const hashes = await Promise.all(names.map(async (name) => createHash('sha256').update(await readFile(join(out, name))).digest('hex')));
  return Object.fromEntries(names.map((name, i) => [name, hashes[i] ?? '']));
}
