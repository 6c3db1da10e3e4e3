// SPDX-License-Identifier: Apache-2.0
import { KernelArgumentError } from './errors.js';
import { loadNative } from './native.js';
import type { RectImage } from './types.js';

const native = loadNative<{
  detectCorners(image: RectImage, options: CornerOptions): Float64Array;
  matchPoints(input: MatchPointsInput): Float64Array;
}>();

export interface CornerOptions {
  readonly maxPoints: number;
  readonly minDistancePx: number;
  /** All pixels this far along both axes have to be inside the block and valid. */
  readonly border: number;
}

/**
 * The strongest corners of a rectified block, spread over it by a grid: 2 N numbers u, v (whole), strongest first.
 * Source: Shi and Tomasi, CVPR 1994 (smaller eigenvalue of the structure tensor). Throws KernelArgumentError.
 */
export function detectCorners(image: RectImage, options: CornerOptions): Float64Array {
  checkImage(image, 'image');
  checkInteger(options.maxPoints, 'maxPoints', 1, 1_000_000);
  checkInteger(options.border, 'border', 0, 65_535);
  checkNumber(options.minDistancePx, 'minDistancePx', 0, 65_535);
  return native.detectCorners(image, options);
}

export interface MatchPointsInput {
  readonly ref: RectImage;
  readonly sec: RectImage;
  /** 4 N numbers: reference u1, v1 and where the counterpart is expected, u2, v2; rounded to whole pixels. */
  readonly seeds: Float64Array;
  /** Searched around the expected position, pixels. */
  readonly radiusU: number;
  readonly radiusV: number;
  /** Patches have (2 patchRadius + 1)^2 pixels; at most 32. */
  readonly patchRadius: number;
  /** Smallest accepted normalised cross-correlation, -1..1. */
  readonly minScore: number;
  /** Smallest lead over the next local maximum of the search area. */
  readonly minDistinct: number;
}

/**
 * Finds the counterparts of reference points by normalised cross-correlation over the search area, checked by searching
 * back (within 1 px), refined to sub-pixel by least squares with gain, offset and a slope along u.
 * Returns 6 M numbers in the order of the seeds: seed index, u1, v1 (whole), u2, v2 (sub-pixel), score.
 * 0.02 px (RMS per axis) on texture with a tenth of noise. 300 seeds, radii 200 and 8, patch 10: 0.15 s.
 * Throws KernelArgumentError.
 */
export function matchPoints(input: MatchPointsInput): Float64Array {
  checkImage(input.ref, 'ref');
  checkImage(input.sec, 'sec');
  if (input.seeds.length % 4 !== 0 || !input.seeds.every((value) => Math.abs(value) < 1e9)) {
    throw new KernelArgumentError('4 finite numbers per seed', 'seeds', `${input.seeds.length} numbers`);
  }
  checkInteger(input.radiusU, 'radiusU', 1, 16_384);
  checkInteger(input.radiusV, 'radiusV', 1, 16_384);
  checkInteger(input.patchRadius, 'patchRadius', 2, 32);
  checkNumber(input.minScore, 'minScore', -1, 1);
  checkNumber(input.minDistinct, 'minDistinct', 0, 2);
  return native.matchPoints(input);
}

function checkImage(image: RectImage, field: string): void {
  const { width, height, data, valid } = image;
  for (const name of ['u0', 'v0'] as const) checkInteger(image[name], `${field}.${name}`, -1e9, 1e9);
  checkInteger(width, `${field}.width`, 1, 65_535);
  checkInteger(height, `${field}.height`, 1, 65_535);
  if (data.length !== width * height) throw new KernelArgumentError(`${width * height} pixels`, `${field}.data`, data.length);
  if (valid.length !== width * height) throw new KernelArgumentError(`${width * height} pixels`, `${field}.valid`, valid.length);
}

function checkInteger(value: number, field: string, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new KernelArgumentError(`an integer in ${low}..${high}`, field, value);
  }
}

function checkNumber(value: number, field: string, low: number, high: number): void {
  if (!(value >= low && value <= high)) throw new KernelArgumentError(`a number in ${low}..${high}`, field, value);
}
