// SPDX-License-Identifier: Apache-2.0
import { KernelArgumentError } from './errors.js';
import { consensusShift, type RectMatch, shiftNear } from './match-consensus.js';
import { detectCorners, matchPoints } from './match-points.js';
import { evaluatePoly2, evaluatePoly3, fitPoly2 } from './polynomial.js';
import { rectify } from './rectify.js';
import { release } from './release.js';
import { scaleRpc } from './rpc.js';
import { tileGeometry, type TileGeometry } from './tile-geometry.js';
import { windowOf } from './tile-windows.js';
import type { Affine, ImageWindow, PixelRect, Poly2, RectImage, RectSpec, RowExtents, RpcModel } from './types.js';

/** One resolution of an image: full-resolution pixels per pixel (they need not be whole: 801 / 201), and its size. */
export interface AlignLevel {
  readonly factorCol: number; readonly factorRow: number;
  readonly width: number; readonly height: number;
}

export interface AlignImage {
  /** Camera of the full-resolution image, uncorrected. */
  readonly rpc: RpcModel;
  /** Coarsest first; both images have as many. The last, usually full resolution, is the one matches are measured in. */
  readonly levels: readonly AlignLevel[];
  /** Pixels of a level, by its index. */
  readonly readWindow: (level: number, rect: PixelRect) => ImageWindow;
}

export interface AlignWindowInput {
  readonly ref: AlignImage;
  readonly sec: AlignImage;
  /** The ground window in the output CRS, metres. */
  readonly box: { readonly minE: number; readonly minN: number; readonly maxE: number; readonly maxN: number };
  readonly heightRange: readonly [number, number];
  /** 2 N eastings and northings to 2 N longitudes and latitudes, degrees. */
  readonly lonLatFromGround: (xy: Float64Array) => Float64Array;
  /** Pointing error searched across the epipolar line, full-resolution pixels. */
  readonly searchPx: number;
  readonly options?: Partial<AlignOptions>;
}

export interface AlignOptions {
  /** Most points looked for in the window. */
  readonly maxPoints: number;
  /** Patches of (2 patchRadius + 1)^2 pixels, at every level. */
  readonly patchRadius: number;
  readonly minScore: number;
  readonly minDistinct: number;
}

/** Full-resolution pixels of the reference and of the secondary, and the normalised cross-correlation. */
export type AlignMatch = [colRef: number, rowRef: number, colSec: number, rowSec: number, score: number];

const defaults: AlignOptions = { maxPoints: 90, patchRadius: 10, minScore: 0.75, minDistinct: 0.05 };
/** What matchPoints reads beyond a patch. */
const trackBorderPx = 4;
/** Points looked for at a level that only guides the next: each costs a wide search, and guides a neighbourhood. */
const guidePoints = 60;
/** Fewer than this at a level don't guide the next one: it searches the whole range itself. */
const minGuides = 6;
/** Added to the heights that matches have, on both sides. */
const heightSlackPx = 8;
/** Multiplications a wide search may cost: about half a second. */
const searchBudget = 5e9;
const identity: Affine = { col: [0, 1, 0], row: [0, 0, 1] };

/**
 * Finds sub-pixel matches of an image pair in one ground window without trusting the pointing: corners of the rectified
 * reference are searched along the epipolar lines over the whole height range and `searchPx` across them at the
 * coarsest level, and near where that level's agreeing matches point to at each finer one.
 *
 * Returns at most maxPoints matches in pixels of the full-resolution images, measured at the last level; none where the images
 * don't share the window or nothing agrees (water, clouds, repeated texture). Some may still be wrong: fit robustly.
 * The same input gives the same matches. Throws KernelArgumentError, TileGeometryError, and what readWindow throws.
 */
export function alignWindow(input: AlignWindowInput): AlignMatch[] {
  const options = { ...defaults, ...input.options };
  const count = input.ref.levels.length;
  if (count === 0 || input.sec.levels.length !== count) {
    throw new KernelArgumentError('as many levels as the reference has, and at least one', 'sec.levels', input.sec.levels.length);
  }
  if (!(input.searchPx >= 0)) throw new KernelArgumentError('0 or more', 'searchPx', input.searchPx);
  let guides: Guides | null = null;
  for (let level = 0; level < count; level += 1) {
    const wasGuided: boolean = guides !== null;
    guides = alignLevel(input, options, level, guides);
    // A wide search can afford few points at full resolution: they guide one for all.
    if (level === count - 1 && !wasGuided && guides !== null) guides = alignLevel(input, options, level, guides);
  }
  return guides === null ? [] : [...guides.matches];
}

/** Matches of a level, enough to say where to search, and heights around theirs: those of the window. */
interface Guides { readonly level: number; readonly matches: readonly AlignMatch[]; readonly heightRange: readonly [number, number] }

/** The matches of one level: near where the guides point to, else over the whole search range. Null where they are too few to guide. */
function alignLevel(input: AlignWindowInput, options: AlignOptions, level: number, guides: Guides | null): Guides | null {
  const ref = levelOf(input.ref, level);
  const sec = levelOf(input.sec, level);
  const marginPx = options.patchRadius + trackBorderPx;
  const geometry = tileGeometry({
    ref, sec: { ...sec, correction: identity }, box: input.box, heightRange: guides?.heightRange ?? input.heightRange,
    lonLatFromGround: input.lonLatFromGround, marginPx,
  });
  const refImage = rectifyLevel(input.ref, level, geometry.refFromRect, geometry.rect, geometry.extents);
  if (refImage === null) return null;
  const search = guides === null
    ? searchWide(geometry, input.searchPx / Math.min(sec.factorCol, sec.factorRow))
    : searchNear(toRect(guides.matches, ref, sec, geometry), levelOf(input.ref, guides.level).factorCol / ref.factorCol);
  const patchArea = (2 * options.patchRadius + 1) ** 2;
  const area = (2 * search.radiusU + 1) * (2 * search.radiusV + 1);
  const isLast = level === input.ref.levels.length - 1;
  const wanted = isLast ? options.maxPoints : Math.min(options.maxPoints, guidePoints);
  const maxPoints = Math.max(20, Math.min(wanted, Math.floor(searchBudget / (2 * area * patchArea))));
  const corners = detectCorners(refImage, { maxPoints, minDistancePx: 8, border: marginPx });
  const seeds = seedsOf(corners, search.expected);
  if (seeds.length === 0) return null;

  const reach = marginPx + 1;
  const secImage = rectifyLevel(input.sec, level, geometry.secFromRect, boundsOfSeeds(seeds, search.radiusU + reach, search.radiusV + reach));
  if (secImage === null) return null;
  const { radiusU, radiusV } = search;
  const { patchRadius, minScore, minDistinct } = options;
  const found = rectMatches(matchPoints({ ref: refImage, sec: secImage, seeds, radiusU, radiusV, patchRadius, minScore, minDistinct }));
  release(refImage, secImage);
  // The rows of true matches differ by one and the same pointing error, those of wrong ones by anything.
  const agreeing = consensusShift(found, 2 * radiusV + 1, minGuides);
  if (agreeing.length < minGuides) return null;
  return { level, matches: toImage(agreeing, ref, sec, geometry), heightRange: heightsAround(agreeing, geometry, input.heightRange) };
}

/** Heights of matches, and what lies between them: a quarter more, and some pixels, inside the range given. */
function heightsAround(matches: readonly RectMatch[], { groundFromRect, pxPerMetre }: TileGeometry, [low, high]: readonly [number, number]): readonly [number, number] {
  const ground = evaluatePoly3(groundFromRect, Float64Array.from(matches.flatMap(({ u1, v1, u2 }) => [u1, v1, u2 - u1])));
  const heights = ground.filter((_, i) => i % 3 === 2);
  const [lowest, highest] = [Math.min(...heights), Math.max(...heights)];
  const slack = (highest - lowest) / 4 + heightSlackPx / pxPerMetre;
  return [Math.min(high, Math.max(low, lowest - slack)), Math.max(low, Math.min(high, highest + slack))];
}

interface Search {
  readonly radiusU: number; readonly radiusV: number;
  /** Where the counterpart of a reference position is expected. */
  readonly expected: (u: number, v: number) => readonly [number, number];
}

function searchWide({ disparityRange: [low, high] }: TileGeometry, acrossPx: number): Search {
  const middle = Math.round((low + high) / 2);
  // One pixel more: a peak on the rim of the search isn't accepted.
  return { radiusU: Math.ceil((high - low) / 2) + 1, radiusV: Math.ceil(acrossPx) + 1, expected: (u, v) => [u + middle, v] };
}

/** Around the shift of the nearest guides: their own error, and as much relief between them as they show. */
function searchNear(guides: readonly RectMatch[], factor: number): Search {
  const { shift, spreadU } = shiftNear(guides);
  return {
    radiusU: Math.min(64, Math.ceil(2 * factor + spreadU) + 1), radiusV: Math.ceil(factor) + 1,
    expected: (u, v) => {
      const [du, dv] = shift(u, v);
      return [u + du, v + dv];
    },
  };
}

interface LevelCamera extends AlignLevel { readonly rpc: RpcModel }

function levelOf(image: AlignImage, level: number): LevelCamera {
  const found = image.levels[level];
  if (found === undefined) throw new KernelArgumentError(`an index below ${image.levels.length}`, 'level', level);
  return { ...found, rpc: scaleRpc(image.rpc, found.factorCol, found.factorRow) };
}

function rectifyLevel(image: AlignImage, level: number, imageFromRect: Poly2, rect: RectSpec, extents: RowExtents | null = null): RectImage | null {
  if (rect.width < 1 || rect.height < 1) return null;
  const window = windowOf(imageFromRect, rect, levelOf(image, level), trackBorderPx);
  return window === null ? null : rectify(image.readWindow(level, window), imageFromRect, rect, extents);
}

function seedsOf(corners: Float64Array, expected: Search['expected']): Float64Array {
  const seeds = new Float64Array(corners.length * 2);
  for (let i = 0; i < corners.length; i += 2) {
    const [u = NaN, v = NaN] = corners.subarray(i, i + 2);
    seeds.set([u, v, ...expected(u, v)], 2 * i);
  }
  return seeds;
}

function boundsOfSeeds(seeds: Float64Array, reachU: number, reachV: number): RectSpec {
  const us = seeds.filter((_, i) => i % 4 === 2);
  const vs = seeds.filter((_, i) => i % 4 === 3);
  const [u0, v0] = [Math.floor(Math.min(...us) - reachU), Math.floor(Math.min(...vs) - reachV)];
  return { u0, v0, width: Math.ceil(Math.max(...us) + reachU) - u0 + 1, height: Math.ceil(Math.max(...vs) + reachV) - v0 + 1 };
}

function rectMatches(found: Float64Array): RectMatch[] {
  return Array.from({ length: found.length / 6 }, (_, i) => {
    const [, u1 = NaN, v1 = NaN, u2 = NaN, v2 = NaN, score = NaN] = found.subarray(6 * i, 6 * i + 6);
    return { u1, v1, u2, v2, score };
  });
}

/** A position at a level, (c + 0.5) / factor - 0.5, back at full resolution. */
const atFull = (position: number, factor: number): number => (position + 0.5) * factor - 0.5;
const atLevel = (position: number, factor: number): number => (position + 0.5) / factor - 0.5;

function toImage(matches: readonly RectMatch[], ref: AlignLevel, sec: AlignLevel, { refFromRect, secFromRect }: TileGeometry): AlignMatch[] {
  const refPixels = evaluatePoly2(refFromRect, Float64Array.from(matches.flatMap(({ u1, v1 }) => [u1, v1])));
  const secPixels = evaluatePoly2(secFromRect, Float64Array.from(matches.flatMap(({ u2, v2 }) => [u2, v2])));
  return matches.map(({ score }, i) => {
    const [c1 = NaN, r1 = NaN] = refPixels.subarray(2 * i, 2 * i + 2);
    const [c2 = NaN, r2 = NaN] = secPixels.subarray(2 * i, 2 * i + 2);
    return [atFull(c1, ref.factorCol), atFull(r1, ref.factorRow), atFull(c2, sec.factorCol), atFull(r2, sec.factorRow), score];
  });
}

/** Matches of another level in this level's rectified frame. */
function toRect(matches: readonly AlignMatch[], ref: AlignLevel, sec: AlignLevel, geometry: TileGeometry): RectMatch[] {
  const refRect = evaluatePoly2(
    inverse(geometry.refFromRect),
    Float64Array.from(matches.flatMap(([c, r]) => [atLevel(c, ref.factorCol), atLevel(r, ref.factorRow)])),
  );
  const secRect = evaluatePoly2(
    inverse(geometry.secFromRect),
    Float64Array.from(matches.flatMap(([, , c, r]) => [atLevel(c, sec.factorCol), atLevel(r, sec.factorRow)])),
  );
  return matches.map(([, , , , score], i) => {
    const [u1 = NaN, v1 = NaN] = refRect.subarray(2 * i, 2 * i + 2);
    const [u2 = NaN, v2 = NaN] = secRect.subarray(2 * i, 2 * i + 2);
    return { u1, v1, u2, v2, score };
  });
}

/** rectFromImage over the domain imageFromRect was fitted on: good to a few hundredths of a pixel, enough to start a search. */
function inverse(imageFromRect: Poly2): Poly2 {
  const rect: number[] = [];
  for (let j = -5; j <= 5; j += 1) {
    for (let i = -5; i <= 5; i += 1) {
      rect.push(imageFromRect.uOff + (i / 4) * imageFromRect.uScale, imageFromRect.vOff + (j / 4) * imageFromRect.vScale);
    }
  }
  const points = Float64Array.from(rect);
  return fitPoly2(3, evaluatePoly2(imageFromRect, points), points);
}
