// SPDX-License-Identifier: Apache-2.0
// Our matcher and OpenCV's on the same pairs, in turns, one thread each.
import { matchPair, type RectImage, type SearchRange } from '@altiplano/kernels';
import { loadNativeBench } from '@altiplano/kernels/testing';
import { type Score, scoreDisparities } from '../accuracy/score-disparities.js';
import type { Cones } from '../accuracy/cones.js';
import { texturedPair } from '../kernels/textured-pair.js';
import { type BytePair, type OpenCv, type OpenCvMode, openCvModes } from './opencv.js';

/** A pair as both matchers take it, with one truth. */
export interface MatcherCase {
  readonly name: string;
  readonly range: number;
  readonly ref: RectImage; readonly sec: RectImage; readonly search: SearchRange;
  /** Our sign, x_right - x_left in the reference's columns; NaN = not scored. */
  readonly truth: ArrayLike<number>;
  readonly bytes: BytePair;
  /** Our disparities of the reference's pixels from OpenCV's. */
  readonly toOurs: (disparity: Float32Array) => Float32Array;
}

export interface MatcherResult {
  readonly case: string;
  readonly range: number;
  readonly matcher: string;
  /** Million disparity evaluations per CPU second: reference pixels x range / CPU seconds, one per repetition. */
  readonly mdePerSecond: readonly number[];
  /** Before any filter but the left-right check, which both do. */
  readonly score: Score;
}

/** Cones as it is: both images have the same columns. */
export function conesCase({ left, right, range, truth }: Cones): MatcherCase {
  const bytes = (image: RectImage): Uint8Array => Uint8Array.from(image.data);
  return {
    name: 'cones', range: range.count, ref: left, sec: right, search: range, truth,
    bytes: { left: bytes(left), right: bytes(right), width: left.width, height: left.height, count: range.count },
    toOurs: (disparity) => disparity.map((d) => -d),
  };
}

/**
 * A synthetic town of 8 bits. OpenCV wants images of one size and leaves out as many columns at the left as there are candidates: the
 * reference is put that far into an image of the secondary's width, so that both search the whole range for every pixel.
 */
export function townCase(size: number, range: number): MatcherCase {
  const { ref, sec, low, secWidth, secOffset, truth, seen } = texturedPair({ size, range, bits: 8 });
  const block = (data: Float32Array, width: number, u0: number): RectImage => ({ u0, v0: 0, width, height: size, data, valid: new Uint8Array(data.length).fill(1) });
  const left = new Uint8Array(secWidth * size), before = range - 1;
  for (let v = 0; v < size; v++) for (let x = 0; x < secWidth; x++) left[v * secWidth + x] = ref[v * size + Math.min(size - 1, Math.max(0, x - before))] ?? 0;
  return {
    name: `town ${size} x ${size}`, range, ref: block(ref, size, 0), sec: block(sec, secWidth, -secOffset), search: { low, count: range, rowCounts: null },
    truth: Float32Array.from(truth, (d, i) => (seen[i] === 1 ? d : NaN)),
    bytes: { left, right: Uint8Array.from(sec), width: secWidth, height: size, count: range },
    // x_left = u + before and x_right = u + d + secOffset.
    toOurs: (disparity) => Float32Array.from({ length: size * size }, (_, i) =>
      before - secOffset - (disparity[Math.floor(i / size) * secWidth + (i % size) + before] ?? NaN)),
  };
}

/** The bench's own door into the matcher: what OpenCV's does, too, and nothing beyond it. */
interface DenseMatcher { match(): { readonly disparity: Float32Array; readonly cpuSeconds: number }; close(): void }

function openDense({ ref, sec, search }: MatcherCase): DenseMatcher {
  const native = loadNativeBench();
  const floats = ({ data }: RectImage): Float32Array => Float32Array.from(data);
  const tile = native.openTile({
    ref: floats(ref), sec: floats(sec), low: Int16Array.from(search.low), width: ref.width, height: ref.height, secWidth: sec.width,
    count: search.count, secOffset: ref.u0 - sec.u0, is8Bit: true,
  });
  return {
    match() {
      const [cpuSeconds = NaN] = native.timeStage({ tiles: [tile], stage: 'dense', target: '', repetitions: 1 }).cpu;
      return { disparity: native.stageDisparity(tile), cpuSeconds };
    },
    close: () => native.closeTile(tile),
  };
}

interface Matcher { readonly name: string; readonly match: () => Promise<{ readonly disparity: Float32Array; readonly cpuSeconds: number }> }

/** Runs all matchers in turns, once for warming up and `repeats` times for the figures; without OpenCV only ours: the product's default, and what of it has a counterpart in OpenCV's. */
export async function compareMatchers(pair: MatcherCase, openCv: BothOpenCvs | null, version: string, repeats: number): Promise<MatcherResult[]> {
  const dense = openDense(pair);
  try {
    return await takeTurns(pair, [
      {
        name: 'Altiplano matchPair', match: async () => {
          const start = process.cpuUsage();
          const { disparity } = matchPair(pair.ref, pair.sec, pair.search);
          const { user, system } = process.cpuUsage(start);
          return { disparity, cpuSeconds: (user + system) / 1e6 };
        },
      },
      { name: 'Altiplano census, 8 paths, winner', match: async () => dense.match() },
      ...(openCv === null ? [] : await openCvMatchers(pair, openCv, version)),
    ], repeats);
  } finally {
    dense.close();
  }
}

/** OpenCV as it comes, and one whose process keeps its memory between calls. */
export interface BothOpenCvs { readonly plain: OpenCv; readonly keeping: OpenCv }

async function openCvMatchers(pair: MatcherCase, { plain, keeping }: BothOpenCvs, version: string): Promise<Matcher[]> {
  await Promise.all([plain, keeping].map((openCv) => openCv.load(pair.bytes)));
  const matcher = (openCv: OpenCv, mode: OpenCvMode, more = ''): Matcher => ({
    name: `OpenCV ${version} SGBM ${mode}${more}`, match: async () => {
      const { disparity, cpuSeconds } = await openCv.match(mode);
      return { disparity: pair.toOurs(disparity), cpuSeconds };
    },
  });
  return [...openCvModes.map((mode) => matcher(plain, mode)), matcher(keeping, 'HH, 8 paths', ', memory kept')];
}

const nothing: Float32Array = new Float32Array();

async function takeTurns(pair: MatcherCase, all: readonly Matcher[], repeats: number): Promise<MatcherResult[]> {
  const matchers = all.map((matcher) => ({ ...matcher, seconds: [] as number[], disparity: nothing }));
  for (let round = 0; round <= repeats; round++) {
    for (const matcher of matchers) {
      const { disparity, cpuSeconds } = await matcher.match();
      matcher.disparity = disparity;
      if (round > 0) matcher.seconds.push(cpuSeconds);
    }
  }
  return matchers.map(({ name, seconds, disparity }) => ({
    case: pair.name, range: pair.range, matcher: name, score: scoreDisparities(disparity, pair.truth),
    mdePerSecond: seconds.map((s) => (pair.ref.width * pair.ref.height * pair.range) / s / 1e6),
  }));
}
