// SPDX-License-Identifier: Apache-2.0
// Loops over rows read by index: an array pattern steps through an iterator, which is slow to run and slower to compile.
import { loadNative } from './native.js';
import type { RectSpec, RowExtents } from './types.js';

const native = loadNative<{ convexHull(pairs: Float64Array): Float64Array }>();

/** Corners of a convex polygon as pairs (u, v), counter-clockwise. */
export type ConvexPolygon = Float64Array;

/** The convex hull of pairs (x, y); those that aren't finite are left out. */
export function convexHull(pairs: Float64Array): ConvexPolygon {
  return native.convexHull(pairs);
}

/** The corners of a 16-gon around the circle of radius 1, as pairs. */
const circle = Float64Array.from({ length: 32 }, (_, i) => (i % 2 === 0 ? Math.cos : Math.sin)((2 * Math.PI * (i >> 1)) / 16));

/** What is within `radius` of a convex polygon: its sum with a 16-gon around the circle. */
export function dilate(polygon: ConvexPolygon, radius: number): ConvexPolygon {
  const reach = radius / Math.cos(Math.PI / 16);
  const grown = new Float64Array(16 * polygon.length);
  for (let i = 0, o = 0; i + 1 < polygon.length; i += 2) {
    for (let k = 0; k < 32; k++, o++) grown[o] = (polygon[i + (k & 1)] ?? NaN) + reach * (circle[k] ?? NaN);
  }
  return convexHull(grown);
}

/** First and last u of each of some rows; first > last in an empty one. */
export interface RowSpans { readonly first: Float64Array; readonly last: Float64Array }

/** What a convex polygon covers of the rows v0, v0 + 1, … */
export function rowSpans(polygon: ConvexPolygon, { v0, height }: Pick<RectSpec, 'v0' | 'height'>): RowSpans {
  const first = new Float64Array(height).fill(Infinity);
  const last = new Float64Array(height).fill(-Infinity);
  for (let i = 0; i < polygon.length; i += 2) {
    const next = (i + 2) % polygon.length;
    const uA = polygon[i] ?? NaN;
    const vA = polygon[i + 1] ?? NaN;
    const uB = polygon[next] ?? NaN;
    const vB = polygon[next + 1] ?? NaN;
    const slope = vA === vB ? 0 : (uB - uA) / (vB - vA);
    for (let v = Math.max(v0, Math.ceil(Math.min(vA, vB))); v <= Math.min(v0 + height - 1, Math.max(vA, vB)); v++) {
      const u = uA + slope * (v - vA);
      first[v - v0] = Math.min(first[v - v0] ?? u, u);
      last[v - v0] = Math.max(last[v - v0] ?? u, u);
    }
  }
  return { first, last };
}

export function moved({ first, last }: RowSpans, byFirst: number, byLast: number): RowSpans {
  return { first: first.map((u) => u + byFirst), last: last.map((u) => u + byLast) };
}

/** A rectified block, and which columns of its rows are of use. */
export interface BlockRows { readonly rect: RectSpec; readonly extents: RowExtents }

/** The columns of a block's rows that lie within all spans, rounded outwards. */
export function extentsOf({ u0, width, height }: RectSpec, ...spans: readonly RowSpans[]): RowExtents {
  const extents = new Int32Array(2 * height);
  for (let row = 0; row < height; row++) {
    let first = 0;
    let last = width - 1;
    for (const span of spans) {
      first = Math.max(first, Math.floor(span.first[row] ?? NaN) - u0);
      last = Math.min(last, Math.ceil(span.last[row] ?? NaN) - u0);
    }
    if (first > last) continue;
    extents[2 * row] = first;
    extents[2 * row + 1] = last + 1;
  }
  return extents;
}

export function spansOf({ u0, height }: RectSpec, extents: RowExtents): RowSpans {
  const first = new Float64Array(height).fill(Infinity);
  const last = new Float64Array(height).fill(-Infinity);
  for (let row = 0; row < height; row++) {
    const from = extents[2 * row] ?? 0;
    const end = extents[2 * row + 1] ?? 0;
    if (from >= end) continue;
    first[row] = u0 + from;
    last[row] = u0 + end - 1;
  }
  return { first, last };
}

/** Pixels inside of extents. */
export function extentArea(extents: RowExtents): number {
  let sum = 0;
  for (let i = 0; i < extents.length; i += 2) sum += (extents[i + 1] ?? NaN) - (extents[i] ?? NaN);
  return sum;
}

/** A block without the columns, and unless `keepRows` the rows, at its rim that are of no use; 0 x 0 where nothing is. */
export function trimmed(rect: RectSpec, extents: RowExtents, keepRows = false): BlockRows {
  let [left, right, top, bottom] = [rect.width, 0, rect.height, 0];
  for (let row = 0; row < rect.height; row++) {
    const first = extents[2 * row] ?? 0;
    const end = extents[2 * row + 1] ?? 0;
    if (first >= end) continue;
    left = Math.min(left, first);
    right = Math.max(right, end);
    top = Math.min(top, row);
    bottom = row + 1;
  }
  if (left >= right) return { rect: { u0: 0, v0: 0, width: 0, height: 0 }, extents: new Int32Array(0) };
  if (keepRows) [top, bottom] = [0, rect.height];
  const kept = extents.slice(2 * top, 2 * bottom).map((column) => Math.max(0, column - left));
  return { rect: { u0: rect.u0 + left, v0: rect.v0 + top, width: right - left, height: bottom - top }, extents: kept };
}
