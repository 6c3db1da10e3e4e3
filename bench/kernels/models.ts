// SPDX-License-Identifier: Apache-2.0
// What a kernel has to do at the least, counted from its definition and not from how it is written: so that cleverness shows as a larger share
// of the machine's limits, and recomputing or passing over memory again as a smaller one.
import type { ArithmeticKind } from './limits.js';

export interface Case { readonly size: number; readonly range: number; readonly bits: 8 | 12 }

export interface KernelModel {
  /** null: no vector arithmetic to speak of (connected components, data-dependent branches); only memory is a limit. */
  readonly arithmetic: ArithmeticKind | null;
  /** Lane bytes operated on: an operation on bytes counts 1, on 16 bits 2, on floats 4, on doubles 8. Of the whole tile. */
  readonly operations: (c: Case) => number;
  /** Bytes moved to and from memory: every array it reads once and every one it writes once, the cost volume as often as two sweeps need it. */
  readonly bytes: (c: Case) => number;
  /** True where disparities are evaluated: MDE/s applies. */
  readonly perDisparity: boolean;
  /** In words. */
  readonly text: string;
}

const pixels = ({ size }: Case): number => size * size;
const evaluations = (c: Case): number => pixels(c) * c.range;
/** Rows of the secondary are longer by the range. */
const secPixels = ({ size, range }: Case): number => size * (size + range);

/** 34 bits in 5 bytes: exclusive or, count, sum. */
const costOperations = 15;
/** Of a byte each: the lesser neighbour, + P1, the least of both, of the jump, less the path's least; plus the cost, the running least, the sum of paths. */
const pathOperations = 8;
/** Two sweeps' sums and 8 costs, in 16 bits. */
const sumOperations = 2 * 3;
/** The limit int8 is measured with these operations, each in its share: matchingMixture in kernels/bench/machine_limits.cc. */
export const sgmOperations = costOperations + 8 * pathOperations + sumOperations;
/** 16 bits: least, its place, the least but for its neighbours; the right view's least and place. */
const winnerOperations = 2 * (3 + 3);

const none = (): number => 0;

const census: KernelModel = {
  arithmetic: 'float', perDisparity: false,
  operations: (c) => (pixels(c) + secPixels(c)) * 34 * (4 + 4),
  bytes: (c) => (pixels(c) + secPixels(c)) * (4 + 1 + 5 + 2),
  text: '34 comparisons of floats and 34 bits put into their places per pixel of both images; reads 5 B, writes 7 B a pixel',
};
const sgm: KernelModel = {
  arithmetic: 'int8', perDisparity: true,
  operations: (c) => evaluations(c) * sgmOperations,
  bytes: (c) => evaluations(c) * 2 + (pixels(c) + secPixels(c)) * 2 * 7,
  text: `per disparity evaluation: cost ${costOperations} (34 bits in 5 bytes: xor, count, sum) + 8 paths x ${pathOperations} (min, +P1, min, min, -, +, min, sum; bytes) + ` +
    `${sumOperations} for the 16-bit sum; 1 B written by the first sweep and read by the second`,
};
const winner: KernelModel = {
  arithmetic: 'int16', perDisparity: true,
  operations: (c) => evaluations(c) * winnerOperations,
  bytes: (c) => evaluations(c) * 2 + pixels(c) * 10,
  text: `per disparity evaluation ${winnerOperations}: least, place and second least of the left view, least and place of the right one, 16 bits each; reads the sums once`,
};
const edges: KernelModel = {
  arithmetic: null, perDisparity: false, operations: none,
  bytes: (c) => (pixels(c) + secPixels(c)) * 5 + pixels(c) * 20,
  text: 'depends on how many edges there are: no model of its arithmetic; both images and the map, read and written',
};
const refine: KernelModel = {
  arithmetic: 'float', perDisparity: false,
  operations: (c) => pixels(c) * 2 * 700 * 4,
  bytes: (c) => 2 * ((pixels(c) + secPixels(c)) * 5 + pixels(c) * 8),
  text: '2 iterations of 700 float operations a pixel: sums of planes and of greys over 9 x 9 pixels in four steps (250 and 290), resampling, solving; images and disparities once ' +
    'per iteration',
};

export const models: Readonly<Record<string, KernelModel>> = {
  census, sgm, winner,
  'dense': {
    arithmetic: 'int8', perDisparity: true,
    operations: (c) => [census, sgm, winner].reduce((sum, model) => sum + model.operations(c), 0),
    bytes: (c) => [census, sgm, winner].reduce((sum, model) => sum + model.bytes(c), 0),
    text: 'the sum of census, sgm and winner, which run as one in matchPair: a row of sums goes to the winner search at once',
  },
  edges, refine,
  'matchPair': {
    arithmetic: 'int8', perDisparity: true,
    operations: (c) => [census, sgm, winner, refine].reduce((sum, model) => sum + model.operations(c), 0),
    bytes: (c) => [census, sgm, winner, edges, refine].reduce((sum, model) => sum + model.bytes(c), 0),
    text: 'the sum of census, sgm, winner, edges and refine',
  },
  'speckle': {
    arithmetic: null, perDisparity: false, operations: none, bytes: (c) => pixels(c) * (10 + 10 + 8),
    text: 'connected components: no vector arithmetic; the map read and written, labels written and read',
  },
  'median': {
    arithmetic: 'float', perDisparity: false, operations: (c) => pixels(c) * 18 * 4, bytes: (c) => pixels(c) * 8,
    text: '18 minima and maxima a pixel, columns sorted once for three; reads and writes 4 B',
  },
  'rectify': {
    arithmetic: 'float', perDisparity: false, operations: (c) => pixels(c) * 32 * 4, bytes: (c) => pixels(c) * (c.bits === 8 ? 6 : 7),
    text: 'two passes of 8 multiplications and 7 additions a pixel, the first with a seventh more pixels; reads the sensor\'s numbers, writes 5 B',
  },
  'searchRange': {
    arithmetic: null, perDisparity: false, operations: none, bytes: (c) => pixels(c) * 2.5,
    text: 'splats the prior\'s cells: no vector arithmetic; reads the prior, writes 2 B a pixel',
  },
  'triangulate': {
    arithmetic: 'float', perDisparity: false, operations: (c) => pixels(c) * 58 * 8, bytes: (c) => pixels(c) * 16,
    text: '3 polynomials of 18 operations and 4 to normalise, in doubles; reads 4 B, writes 12 B a point',
  },
  'outliers': {
    arithmetic: 'float', perDisparity: false, operations: (c) => pixels(c) * 16 * 4, bytes: (c) => pixels(c) * 12.5,
    text: '16 operations a point: its cell, two bounds, three comparisons; reads 12 B a point and the prior, writes what it drops',
  },
  'rasterize': {
    arithmetic: 'float', perDisparity: false, operations: (c) => pixels(c) * (9 * 12 + 60) * 4, bytes: (c) => pixels(c) * 30,
    text: '9 cells of 12 operations a point, a plane of 60 a cell; reads 16 B a point, writes 14 B a cell',
  },
  'dsmFromDisparity': {
    arithmetic: 'float', perDisparity: false, operations: (c) => pixels(c) * (58 * 2 + 16 + 9 * 12 + 60) * 4, bytes: (c) => pixels(c) * 62,
    text: "triangulate, outliers and rasterize in one; reads 8 B a pixel, writes and reads 20 B for each in its row of cells, writes 14 B a cell",
  },
  'merge': {
    arithmetic: 'float', perDisparity: false, operations: (c) => pixels(c) * 1.5 * 12 * 4, bytes: (c) => pixels(c) * (1.5 * 16 + 17),
    text: '12 operations a cell of a tile, 1.5 tiles a cell; reads 16 B a tile and cell, writes 17 B a cell',
  },
  'height bounds': {
    arithmetic: 'float', perDisparity: false, operations: (c) => pixels(c) * (9 * 3 + 4 * 6 + 4 * 8) * 4, bytes: (c) => pixels(c) * 12,
    text: "9 neighbours' support, two extremes in 7 x 7 and the widest in 13 x 13 by passes along rows and columns; reads 4 B, writes 8 B a cell (coarse levels only)",
  },
};

/** What its arrays take together: decides which memory it streams from. */
export function footprintBytes(name: string, c: Case): number {
  const model = models[name];
  return model?.perDisparity === true ? evaluations(c) : model?.bytes(c) ?? 0;
}
