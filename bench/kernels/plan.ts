// SPDX-License-Identifier: Apache-2.0
import type { Case } from './models.js';

/** Cases that share a tile and are measured in turns. */
export interface Group {
  readonly title: string;
  readonly case: Case;
  /** Thread counts; every thread has a tile of its own. */
  readonly threads: readonly number[];
  /** Which kernels; null = all. */
  readonly kernels: readonly string[] | null;
  readonly targets: readonly string[];
}

/** What the road does with a pixel, once each but for rectification, which both images need: the kernels that others are parts of. */
export const roadKernels = { matching: ['dense', 'edges', 'refine'], around: ['rectify', 'rectify', 'searchRange', 'speckle', 'median', 'dsmFromDisparity', 'merge'] } as const;

const matching = ['dense', 'sgm', 'winner', 'matchPair'];
const readsImages = ['census', 'sgm', 'edges', 'refine', 'matchPair', 'rectify'];

/** Of every kernel in every case: with 9 on each side `bench compare` can tell a change from chance among a thousand measurements. */
export const repetitions = 9;

/** Tiles of the base case: what the first table shows, and all others vary one thing of. */
export const baseCase = (quick: boolean): Case => ({ size: quick ? 512 : 1024, range: 64, bits: 12 });

/** What is measured: everything at the base case, then sizes, ranges, bits and SIMD targets one at a time. */
export function planGroups(quick: boolean, cores: number, targets: readonly string[]): Group[] {
  const best = targets.slice(0, 1), base = baseCase(quick);
  const threads = [...new Set([1, ...doublings(cores), cores])];
  const everything = { kernels: null, targets: best };
  if (quick) {
    return [
      { title: 'base', case: base, threads, ...everything },
      { title: 'targets', case: { ...base, size: 256 }, threads: [1], kernels: null, targets },
    ];
  }
  return [
    { title: 'base', case: base, threads, ...everything },
    { title: 'size 512', case: { ...base, size: 512 }, threads: [1], ...everything },
    { title: 'size 2048', case: { ...base, size: 2048 }, threads: [1], ...everything },
    ...[32, 128, 256].map((range) =>
      ({ title: `range ${range}`, case: { ...base, range }, threads: range === 128 ? [1, cores] : [1], kernels: matching, targets: best })),
    { title: '2048 x 128', case: { ...base, size: 2048, range: 128 }, threads: [1], kernels: matching, targets: best },
    { title: '8 bits', case: { ...base, bits: 8 }, threads: [1], kernels: readsImages, targets: best },
    { title: 'targets', case: { ...base, size: 512 }, threads: [1], kernels: null, targets },
  ];
}

function doublings(cores: number): number[] {
  const counts: number[] = [];
  for (let n = 2; n < cores; n *= 2) counts.push(n);
  return counts;
}
