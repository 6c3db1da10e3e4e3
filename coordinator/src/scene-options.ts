// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { InputError, type SceneRequest, sceneRequestSchema } from '@altiplano/protocol';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ImageInput } from './describe-inputs.js';
import { parseSettings, settingsHelp, settingsOption } from './stereo-settings.js';
import type { DescribedImage } from './view.js';

/** The options that `run` and `plan` share, as commander hands them over. */
export interface SceneOptions {
  readonly resolution: number;
  readonly crs?: string;
  readonly roi?: string;
  readonly heightRange?: readonly [number, number];
  readonly dem?: string;
  readonly geoid?: string;
  readonly pairs?: readonly (readonly [number, number])[];
  readonly mask: readonly string[];
  readonly band: readonly string[];
  readonly rpc: readonly string[];
  readonly tile?: number;
  readonly memory: number;
  readonly set: readonly string[];
  readonly sceneId?: string;
  readonly json?: true;
}

/** Adds image arguments and scene options to a command. */
export function addSceneOptions(command: Command): Command {
  const list = (text: string, all: readonly string[]): string[] => [...all, ...text.split(',')];
  return command
    .argument('<images...>', 'two or more overlapping images with RPCs, as files or s3://bucket/key; the first is the reference')
    .option('--resolution <metres>', 'cell size of the DSM', positive, 0.5)
    .option('--crs <crs>', 'projected CRS in metres, e.g. EPSG:32636 (default: UTM zone of the overlap)')
    .option('--roi <file>', 'GeoJSON polygon (longitude, latitude): cells outside it stay empty')
    .addOption(new Option('--height-range <min,max>', 'heights to search, metres above the ellipsoid (default: from the DEM or the RPCs)').argParser(heightRange))
    .option('--dem <file>', 'DEM that bounds the heights searched; its heights are above the geoid if --geoid is given, else above the ellipsoid')
    .option('--geoid <file>', 'raster of geoid undulations: the heights of the DSM are above this geoid')
    .addOption(new Option('--pairs <list>', 'pairs to match, as numbers of reference and secondary image counted from 0, e.g. 0-1,1-2 (default: the first image with each other)').argParser(pairs))
    .addOption(new Option('--mask <files>', 'one mask raster per image, 0 = not valid, or - for none (comma list or repeated)').argParser(list).default([], 'none'))
    .addOption(new Option('--band <numbers>', 'band to match, counted from 1: one per image, or one for all').argParser(list).default([], 'the only one'))
    .addOption(new Option('--rpc <files>', 'one RPC file per image, or - to look beside and inside the image').argParser(list).default([], '-'))
    .option('--tile <cells>', 'side of a tile at full resolution, a multiple of 64 (default: about 1024 pixels, 512 or 768 for small scenes)', wholeNumber)
    .option('--memory <MB>', 'memory that a task may use', positive, 1500)
    .addOption(settingsOption('stereo parameter', 'see below'))
    .option('--scene-id <id>', 'name of the scene in the store (default: a hash of the request)')
    .addHelpText('after', settingsHelp());
}

/** The images as files to look at. Throws InputError where the lists don't fit the images. */
export function imageInputs(paths: readonly string[], options: Pick<SceneOptions, 'mask' | 'band' | 'rpc'>): ImageInput[] {
  const perImage = (name: 'mask' | 'band' | 'rpc'): (string | null)[] => {
    const values = options[name];
    if (values.length === 0 || (name === 'band' && values.length === 1)) return paths.map(() => values[0] ?? null);
    if (values.length !== paths.length) throw new InputError(`--${name}: ${values.length} given for ${paths.length} images; give one for each, - for none`);
    return values.map((value) => (value === '-' || value === '' ? null : value));
  };
  const [masks, bands, rpcs] = [perImage('mask'), perImage('band'), perImage('rpc')];
  return paths.map((path, i) => {
    const band = bands[i] ?? null;
    if (band !== null && !/^[1-9]\d*$/.test(band)) throw new InputError(`--band: expected a number from 1 but received ${band}`);
    const [mask, rpc] = [masks[i] ?? null, rpcs[i] ?? null];
    return { path: placeOf(path), band: band === null ? null : Number(band), mask: mask === null ? null : placeOf(mask), rpc: rpc === null ? null : placeOf(rpc) };
  });
}

/** A file's absolute path; `s3://bucket/key` stays. */
const placeOf = (path: string): string => (path.startsWith('s3://') ? path : resolve(path));

/** What a user calls the request's fields. */
const optionOf: Readonly<Record<string, string>> = { tileCells: '--tile', memoryBudgetMb: '--memory', sceneId: '--scene-id', pairs: '--pairs', heightRange: '--height-range' };

/** The request the options ask for. The scene's default id is a hash of all that shapes it, the program included: another request is another scene. */
export function sceneRequest(
  images: readonly DescribedImage[], options: SceneOptions, roi: readonly (readonly [number, number])[] | null, software: string,
): SceneRequest {
  const request = {
    images: images.map(({ path, band, mask }) => ({ path, band, ...(mask === null ? {} : { mask }) })),
    resolution: options.resolution, memoryBudgetMb: options.memory, params: parseSettings(options.set),
    ...(options.pairs && { pairs: options.pairs }), ...(options.crs !== undefined && { crs: options.crs }), ...(roi && { roi }),
    ...(options.heightRange && { heightRange: options.heightRange }), ...(options.tile !== undefined && { tileCells: options.tile }),
    ...(options.dem !== undefined && { dem: resolve(options.dem) }), ...(options.geoid !== undefined && { geoid: resolve(options.geoid) }),
  };
  const content = JSON.stringify([software, request, images.map(({ fingerprint, rpc }) => [fingerprint, rpc])]);
  const sceneId = options.sceneId ?? `scene-${createHash('sha256').update(content).digest('hex').slice(0, 10)}`;
  const parsed = sceneRequestSchema.safeParse({ ...request, sceneId });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const [field = 'request', part] = issue?.path ?? [];
  const option = field === 'params' ? `--set ${String(part)}` : optionOf[String(field)] ?? String(field);
  throw new InputError(`${option}: ${issue?.message ?? 'invalid'}`);
}

/** Parses a number above zero for commander. */
export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('Expected a number above 0.');
  return value;
}

/** Parses a whole number from 1 for commander. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('Expected a whole number from 1.');
  return value;
}

function heightRange(text: string): [number, number] {
  const [low, high, ...rest] = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  if (low === undefined || high === undefined || rest.length > 0 || !(low < high)) throw new InvalidArgumentError('Expected MIN,MAX in metres, e.g. -20,350.');
  return [low, high];
}

function pairs(text: string): [number, number][] {
  return text.split(',').map((pair) => {
    const [, ref, sec] = /^(\d+)-(\d+)$/.exec(pair.trim()) ?? [];
    if (ref === undefined || sec === undefined) throw new InvalidArgumentError('Expected image numbers like 0-1,0-2, counted from 0.');
    return [Number(ref), Number(sec)];
  });
}
