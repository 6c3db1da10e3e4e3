// SPDX-License-Identifier: Apache-2.0
import { availableParallelism } from 'node:os';
import { InputError } from '@altiplano/protocol';
import type { TerrainKind } from './terrain.js';

/** What a scene is made from. Everything but `directory` has a default. */
export interface SceneOptions {
  readonly directory: string;
  /** Columns and rows of every image. */
  readonly size?: number;
  readonly views?: number;
  readonly terrain?: TerrainKind;
  /** Metres between the lowest and the highest ground. */
  readonly relief?: number;
  /** Parallax per height between image 0 and every other. */
  readonly baseToHeight?: number;
  /** Two views: 'symmetric' about the vertical, or 'nadir': image 0 looks straight down. Three: always nadir, forward, backward. */
  readonly split?: 'symmetric' | 'nadir';
  /** Ground sample distance, metres, looking straight down. */
  readonly gsd?: number;
  /** Cell of the truth, metres; default: gsd. */
  readonly resolution?: number;
  /** Errors put into the RPCs of images 1, 2, … across the epipolar line, pixels; the last one repeats. */
  readonly pointingError?: readonly number[];
  /** The same along the line, where no stereo system can see it: it becomes a shift of the DSM. */
  readonly pointingAlong?: readonly number[];
  /** Noise in DN at the mean signal. */
  readonly noise?: number;
  readonly seed?: number;
  /** Middle of the scene: degrees, and metres above the ellipsoid. */
  readonly lon?: number; readonly lat?: number; readonly altitude?: number;
  /** Rays per pixel along each axis. */
  readonly samples?: number;
  readonly threads?: number;
}

export type SceneSettings = Required<Omit<SceneOptions, 'threads' | 'directory'>>;

export const terrainKinds: readonly TerrainKind[] = ['flat', 'city', 'hills', 'mountains'];

/** Fills in defaults and refuses what can't be made. Throws InputError. */
export function settle(options: SceneOptions): SceneSettings & { readonly directory: string; readonly threads: number } {
  const terrain = options.terrain ?? 'city';
  const size = options.size ?? 2048;
  const gsd = options.gsd ?? 0.5;
  const relief = options.relief ?? { flat: 10, city: 15, hills: Math.min(120, 0.2 * size * gsd), mountains: Math.min(1000, 0.7 * size * gsd) }[terrain];
  const settings = {
    directory: options.directory, size, terrain, gsd, relief,
    views: options.views ?? 2,
    baseToHeight: options.baseToHeight ?? 0.5,
    split: options.split ?? 'symmetric',
    resolution: options.resolution ?? gsd,
    pointingError: options.pointingError ?? [0],
    pointingAlong: options.pointingAlong ?? [0],
    noise: options.noise ?? 5,
    seed: options.seed ?? 1,
    lon: options.lon ?? -68.2, lat: options.lat ?? -16.6, altitude: options.altitude ?? 3900,
    samples: options.samples ?? 3,
    threads: options.threads ?? availableParallelism(),
  };
  demand('size', size, Number.isInteger(size) && size >= 64 && size <= 16384, 'a whole number from 64 to 16384');
  demand('terrain', terrain, terrainKinds.includes(terrain), terrainKinds.join(', '));
  demand('views', settings.views, settings.views === 2 || settings.views === 3, '2 or 3');
  demand('gsd', gsd, gsd >= 0.1 && gsd <= 10, '0.1 to 10 metres');
  demand('resolution', settings.resolution, settings.resolution >= 0.1 && settings.resolution <= 100, '0.1 to 100 metres');
  demand('relief', relief, relief > 0 && relief <= 3000, 'above 0 to 3000 metres');
  demand('base-to-height', settings.baseToHeight, settings.baseToHeight > 0 && settings.baseToHeight <= 1, 'above 0 to 1');
  demand('noise', settings.noise, settings.noise >= 0 && settings.noise <= 200, '0 to 200 DN');
  demand('seed', settings.seed, Number.isInteger(settings.seed), 'a whole number');
  demand('lon', settings.lon, Math.abs(settings.lon) <= 180, '-180 to 180 degrees');
  demand('lat', settings.lat, Math.abs(settings.lat) <= 80, '-80 to 80 degrees');
  demand('altitude', settings.altitude, settings.altitude >= -400 && settings.altitude <= 8000, '-400 to 8000 metres');
  demand('samples', settings.samples, Number.isInteger(settings.samples) && settings.samples >= 1 && settings.samples <= 8, 'a whole number from 1 to 8');
  demand('threads', settings.threads, Number.isInteger(settings.threads) && settings.threads >= 1, 'a whole number from 1');
  for (const px of [...settings.pointingError, ...settings.pointingAlong]) demand('pointing error', px, Math.abs(px) <= 200, 'at most 200 pixels');
  return settings;
}

function demand(name: string, value: unknown, holds: boolean, expected: string): void {
  if (!holds) throw new InputError(`scene: expected ${expected} for ${name} but received ${String(value)}`);
}
