// SPDX-License-Identifier: Apache-2.0
import type { GridSpec, GroundBox, TilePlan } from '@altiplano/protocol';
import { type Ring, boundsOf, boxRing, clipRing, crossings, isInside, ringArea } from './polygon.js';

/** What one pair sees: areas in the output CRS whose union is its ground. */
export interface PairGround { readonly pairId: string; readonly rings: readonly Ring[] }

/** Cores at the area's rim are cut to what is seen, in steps of this many cells. */
const rimCells = 16;

/**
 * The tiles of one level over the ground of all pairs. Tiles lie on one grid for the whole CRS:
 * ix = floor(E / side), iy = floor(N / side), side = tileCells * resolution; so tiles of neighbouring
 * scenes line up. Every point of the ground is in exactly one core. Made row by row, north to south, west to east.
 */
export function* groundTiles(grounds: readonly PairGround[], resolution: number, tileCells: number): Generator<TilePlan> {
  const side = tileCells * resolution;
  const areas = grounds.flatMap(({ pairId, rings }) => rings.flatMap((ring) => {
    const bounds = boundsOf([ring]);
    return bounds === null ? [] : [{ pairId, ring, bounds }];
  }));
  const north = Math.max(...areas.map(({ bounds }) => Math.ceil(bounds.maxN / side) - 1));
  const south = Math.min(...areas.map(({ bounds }) => Math.floor(bounds.minN / side)));
  for (let iy = north; iy >= south; iy -= 1) {
    const row = new Map<number, { readonly pairs: string[]; seen: GroundBox }>();
    for (const { pairId, ring, bounds } of areas) {
      if (iy * side >= bounds.maxN || (iy + 1) * side <= bounds.minN) continue;
      for (const { ix, seen } of tilesOfRow(ring, bounds, iy, side, 1e-6 * resolution * resolution)) {
        const tile = row.get(ix);
        if (tile === undefined) row.set(ix, { pairs: [pairId], seen });
        else {
          if (!tile.pairs.includes(pairId)) tile.pairs.push(pairId);
          tile.seen = unionOf(tile.seen, seen);
        }
      }
    }
    for (const [ix, { pairs, seen }] of [...row].sort(([a], [b]) => a - b)) {
      yield { id: tileId(ix, iy), ix, iy, core: coreGrid(ix, iy, seen, resolution, tileCells), pairs };
    }
  }
}

/** The tiles of a row that have more than `leastArea` of a ring's area, and the bounds of what they have. */
function* tilesOfRow(ring: Ring, { minE, maxE }: GroundBox, iy: number, side: number, leastArea: number): Generator<{ ix: number; seen: GroundBox }> {
  const [low, high] = [iy * side, (iy + 1) * side];
  /** What the ring's edges span in the row, east. Between them a tile lies wholly inside or wholly outside. */
  const spans = ring.flatMap((p, i): [number, number][] => {
    const q = ring[(i + 1) % ring.length] ?? p;
    if (Math.max(p[1], q[1]) < low || Math.min(p[1], q[1]) > high) return [];
    const at = (y: number): number => (p[1] === q[1] ? p[0] : p[0] + (Math.min(1, Math.max(0, (y - p[1]) / (q[1] - p[1])))) * (q[0] - p[0]));
    const ends = p[1] === q[1] ? [p[0], q[0]] : [at(low), at(high)];
    return [[Math.min(...ends), Math.max(...ends)]];
  });
  const across = crossings(ring, (low + high) / 2);
  for (let ix = Math.floor(minE / side); ix * side < maxE; ix += 1) {
    const box = { minE: ix * side, minN: low, maxE: (ix + 1) * side, maxN: high };
    // A metre of doubt on both sides: where rounding could matter, the polygon is clipped.
    if (!spans.some(([from, to]) => from < box.maxE + 1 && to > box.minE - 1)) {
      if (isInside(across, (box.minE + box.maxE) / 2)) yield { ix, seen: box };
      continue;
    }
    const part = clipRing(ring, boxRing(box));
    const seen = boundsOf([part]);
    if (seen !== null && ringArea(part) >= leastArea) yield { ix, seen };
  }
}

const unionOf = (a: GroundBox, b: GroundBox): GroundBox =>
  ({ minE: Math.min(a.minE, b.minE), maxE: Math.max(a.maxE, b.maxE), minN: Math.min(a.minN, b.minN), maxN: Math.max(a.maxN, b.maxN) });

export const tileId = (ix: number, iy: number): string => `x${ix}y${iy}`;

/** A grid with `cells` more on every side. */
export function withHalo(grid: GridSpec, cells: number): GridSpec {
  return {
    originE: grid.originE - cells * grid.resolution, originN: grid.originN + cells * grid.resolution,
    resolution: grid.resolution, width: grid.width + 2 * cells, height: grid.height + 2 * cells,
  };
}

export function boxOfGrid(grid: GridSpec): GroundBox {
  return {
    minE: grid.originE, maxE: grid.originE + grid.width * grid.resolution,
    minN: grid.originN - grid.height * grid.resolution, maxN: grid.originN,
  };
}

/** The tile's core, cut to `bounds` where less of it is seen. Edges are whole multiples of the resolution. */
function coreGrid(ix: number, iy: number, bounds: GroundBox, resolution: number, tileCells: number): GridSpec {
  const cut = (low: number, high: number, index: number): [number, number] => {
    const first = Math.floor(low / resolution / rimCells) * rimCells;
    const last = Math.ceil(high / resolution / rimCells) * rimCells;
    return [Math.max(index * tileCells, first), Math.min((index + 1) * tileCells, last)];
  };
  const [west, east] = cut(bounds.minE, bounds.maxE, ix);
  const [south, north] = cut(bounds.minN, bounds.maxN, iy);
  return { originE: west * resolution, originN: north * resolution, resolution, width: east - west, height: north - south };
}

/** Where the grid `inner` begins in `outer`, cells; both of one resolution. */
export function offsetIn(outer: GridSpec, inner: GridSpec): { col0: number; row0: number } {
  return {
    col0: Math.round((inner.originE - outer.originE) / outer.resolution),
    row0: Math.round((outer.originN - inner.originN) / outer.resolution),
  };
}
