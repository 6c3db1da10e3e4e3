// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { idSchema, placeSchema, sideSchema } from './limits.js';
import { affineSchema, gridSpecSchema, groundBoxSchema, heightRangeSchema } from './raster.js';
import { rpcModelSchema } from './rpc-model.js';
import { sceneIdSchema } from './scene.js';
import { stereoParamsSchema } from './params.js';

const base = {
  v: z.literal(1),
  sceneId: sceneIdSchema,
  /** Unique in the scene, fit for a subject token and a file name. */
  taskId: idSchema,
  /** 0, or the number of the order that asked for it again; no part of the hash, as equal work has equal results. */
  round: z.int().nonnegative(),
};

/** An image as a task needs it: where its pixels are, its camera, its size at full resolution. */
const taskImageSchema = z.object({
  key: placeSchema,
  width: sideSchema, height: sideSchema,
  rpc: rpcModelSchema,
});
export type TaskImage = Readonly<z.infer<typeof taskImageSchema>>;

/** Makes one image tile-readable: a tiled GeoTIFF with overviews 2, 4, 8 … and an internal validity mask. */
const ingestTaskSchema = z.object({
  ...base, kind: z.literal('ingest'),
  source: placeSchema, band: z.int().positive(), mask: placeSchema.nullable(),
  outKey: placeSchema,
});
export type IngestTask = Readonly<z.infer<typeof ingestTaskSchema>>;

/** Finds sub-pixel matches in one ground window; writes them as JSON (`AlignMatches`). */
const alignTaskSchema = z.object({
  ...base, kind: z.literal('align'),
  pairId: idSchema, windowId: idSchema,
  crs: placeSchema, box: groundBoxSchema, heightRange: heightRangeSchema,
  ref: taskImageSchema, sec: taskImageSchema,
  /** Image reduction the wide search starts at. */
  factor: z.int().positive().max(1024),
  params: stereoParamsSchema,
  outKey: placeSchema,
});
export type AlignTask = Readonly<z.infer<typeof alignTaskSchema>>;

/** One ground tile of one pair at one level: writes a partial DSM. Kind 'coarse' for factor > 1, else 'stereo'. */
const stereoTaskSchema = z.object({
  ...base, kind: z.enum(['coarse', 'stereo']),
  factor: z.int().positive().max(1024),
  pairId: idSchema, tileId: idSchema,
  crs: placeSchema,
  /** The tile's grid, halo included. */
  grid: gridSpecSchema,
  haloCells: z.int().nonnegative().max(4096),
  heightRange: heightRangeSchema,
  /** Height prior for per-pixel ranges: a DSM of the level above (bands low, high: metres), or null. */
  priorKey: placeSchema.nullable(),
  ref: taskImageSchema, sec: taskImageSchema,
  /** True secondary position = correction applied to the RPC's; full-resolution pixels. */
  correction: affineSchema,
  params: stereoParamsSchema,
  memoryBudgetMb: z.number().positive(),
  outKey: placeSchema,
});
export type StereoTask = Readonly<z.infer<typeof stereoTaskSchema>>;

/**
 * What an agent with one slot holds beside its tile, MB: the runtime, two isolates, GDAL, PROJ and what aligning and coarse levels
 * left (measured: 262 to 289). Part of every task's estimate, so that estimate and peak of the process can be compared.
 */
export const agentProcessMb = 280;

export const taskSchema = z.discriminatedUnion('kind', [ingestTaskSchema, alignTaskSchema, stereoTaskSchema]);
export type Task = Readonly<z.infer<typeof taskSchema>>;
export type TaskKind = Task['kind'];
export const taskKinds: readonly TaskKind[] = ['ingest', 'align', 'coarse', 'stereo'];

/** One match of align, full-resolution pixels of both images, and its normalised cross-correlation. */
export const alignMatchesSchema = z.object({
  matches: z.array(z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()])).max(1_000_000),
});
export type AlignMatches = Readonly<z.infer<typeof alignMatchesSchema>>;

/**
 * The content hash that names a task's result: 16 hex digits of SHA-256 over the JSON of the task with
 * sorted keys and without `outKey` and `round`, so that equal work has an equal key whoever computes it and whenever.
 */
export function taskHash(task: Omit<Task, 'outKey' | 'round'> & { readonly outKey?: string; readonly round?: number }): string {
  const known = hashes.get(task);
  if (known !== undefined) return known;
  const hash = hashOf(task);
  hashes.set(task, hash);
  return hash;
}

/** A task, completed by the key of its result, which its hash is a part of. */
export function withOutKey<T extends Omit<Task, 'outKey'>>(task: T, outKeyOf: (hash: string) => string): T & { readonly outKey: string } {
  const hash = hashOf(task);
  const complete = { ...task, outKey: outKeyOf(hash) };
  hashes.set(complete, hash);
  return complete;
}

// Memos, by identity: tasks are never changed, and those of a scene share images and parameters, which are most of their text.
const hashes = new WeakMap<object, string>();
const partTexts = new WeakMap<object, string>();

const hashOf = (task: object): string => createHash('sha256').update(objectJson(task, partJson, notHashed)).digest('hex').slice(0, 16);
const notHashed: ReadonlySet<string> = new Set(['outKey', 'round']);

function partJson(part: unknown): string {
  if (part === null || typeof part !== 'object') return sortedJson(part);
  const known = partTexts.get(part);
  if (known !== undefined) return known;
  const text = sortedJson(part);
  partTexts.set(part, text);
  return text;
}

function sortedJson(value: unknown): string {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`;
  if (value !== null && typeof value === 'object') return objectJson(value, sortedJson);
  return JSON.stringify(value) ?? 'null';
}

function objectJson(value: object, partText: (part: unknown) => string, without?: ReadonlySet<string>): string {
  let text = '';
  for (const [key, part] of Object.entries(value).sort(byKey)) {
    if (part === undefined || without?.has(key) === true) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${partText(part)}`;
  }
  return `{${text}}`;
}

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
