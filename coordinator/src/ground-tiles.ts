// SPDX-License-Identifier: Apache-2.0
import type { GridSpec, GroundBox, TilePlan } from '@altiplano/protocol';
import { type Ring, boundsOf, boxRing, clipRing, ringArea } from './polygon.js';

/** What one pair sees: areas in the output CRS whose union is its ground. */
export interface PairGround { readonly pairId: string; readonly rings: readonly Ring[] }

/** Cores at the area's rim are cut to what is seen, in steps of this many cells. */
const rimCells = 16;

/**
 * The tiles of one level over the ground of all pairs. Tiles lie on one grid for the whole CRS:
 * ix = floor(E / side), iy = floor(N / side), side = tileCells * resolution; so tiles of neighbouring
 * scenes line up. Every point of the ground is in exactly one core. Ordered north to south, west to east.
 */
export function groundTiles(grounds: readonly PairGround[], resolution: number, tileCells: number): TilePlan[] {
  const side = tileCells * resolution;
  const seen = new Map<string, { ix: number; iy: number; pairs: string[]; rings: Ring[] }>();
  for (const { pairId, rings } of grounds) {
    for (const ring of rings) {
      const bounds = boundsOf([ring]);
      if (bounds === null) continue;
      for (let iy = Math.floor(bounds.minN / side); iy * side < bounds.maxN; iy += 1) {
        for (let ix = Math.floor(bounds.minE / side); ix * side < bounds.maxE; ix += 1) {
          const part = clipRing(ring, boxRing({ minE: ix * side, minN: iy * side, maxE: (ix + 1) * side, maxN: (iy + 1) * side }));
          if (ringArea(part) < 1e-6 * resolution * resolution) continue;
          const id = tileId(ix, iy);
          const tile = seen.get(id) ?? { ix, iy, pairs: [], rings: [] };
          if (!tile.pairs.includes(pairId)) tile.pairs.push(pairId);
          tile.rings.push(part);
          seen.set(id, tile);
        }
      }
    }
  }
  return [...seen.values()]
    .sort((a, b) => b.iy - a.iy || a.ix - b.ix)
    .map(({ ix, iy, pairs, rings }) => ({ id: tileId(ix, iy), ix, iy, core: coreGrid(ix, iy, boundsOf(rings), resolution, tileCells), pairs }));
}

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
function coreGrid(ix: number, iy: number, bounds: GroundBox | null, resolution: number, tileCells: number): GridSpec {
  const cut = (low: number, high: number, index: number): [number, number] => {
    const first = Math.floor(low / resolution / rimCells) * rimCells;
    const last = Math.ceil(high / resolution / rimCells) * rimCells;
    return [Math.max(index * tileCells, first), Math.min((index + 1) * tileCells, last)];
  };
  const [west, east] = bounds === null ? [ix * tileCells, (ix + 1) * tileCells] : cut(bounds.minE, bounds.maxE, ix);
  const [south, north] = bounds === null ? [iy * tileCells, (iy + 1) * tileCells] : cut(bounds.minN, bounds.maxN, iy);
  return { originE: west * resolution, originN: north * resolution, resolution, width: east - west, height: north - south };
}

/** Where the grid `inner` begins in `outer`, cells; both of one resolution. */
export function offsetIn(outer: GridSpec, inner: GridSpec): { col0: number; row0: number } {
  return {
    col0: Math.round((inner.originE - outer.originE) / outer.resolution),
    row0: Math.round((outer.originN - inner.originN) / outer.resolution),
  };
}
