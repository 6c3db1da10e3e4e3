// SPDX-License-Identifier: Apache-2.0
import type { PartialCells } from '@altiplano/kernels';
import { readBands } from '@altiplano/kernels/raster';
import type { GridSpec, TilePlan } from '@altiplano/protocol';
import { offsetIn } from './ground-tiles.js';
import type { BlockPartial, CellRect } from './merge-block.js';

/** The stored partial DSMs, as a merge needs them: a tile's own whole, of its neighbours the halo that reaches into it. */
export interface Partials {
  /** The tile's partials with their halo, valid until the next call; offsets count from its core. */
  own(tile: TilePlan): BlockPartial[];
  /** What of the partials of `other` lies in the core of a neighbour; offsets count from that. */
  halo(other: TilePlan, owner: GridSpec): BlockPartial[];
  /** Says that a tile's halo will not be asked for again. */
  forget(tileId: string): void;
}

export interface PartialsInputs {
  readonly pathsOf: (tileId: string) => readonly { readonly pairId: string; readonly path: string }[];
  readonly haloCells: number;
  /** Halos are kept until their neighbours need them; beyond this they are read again. Default 128 MB: 120 tiles of 1024 cells. */
  readonly cacheBytes?: number;
}

/** Cells in a rectangle counted from the core of their own tile. */
interface Piece { readonly rect: CellRect; readonly cells: PartialCells }
interface Halo { readonly pairId: string; readonly pieces: readonly Piece[] }

/**
 * Reads a tile when it is merged, and keeps its halo for its neighbours, whose merges come before and after. Where a
 * neighbour comes first, the tile is read for its halo alone, and read again later. Errors name the file.
 */
export function openPartials({ pathsOf, haloCells, cacheBytes = 128 * 2 ** 20 }: PartialsInputs): Partials {
  const halos = new Map<string, readonly Halo[]>();
  let bytes = 0;

  /** Arrays that are filled again and again, by pair, as long as the largest tile so far: large new ones keep the garbage collector busy. */
  const ownArrays: Float32Array[][] = [];
  const otherArrays: Float32Array[][] = [];

  const read = ({ core, id }: TilePlan, arrays: Float32Array[][]): { readonly pairId: string; readonly whole: Piece }[] => pathsOf(id).map(({ pairId, path }, pair) => {
    // The file covers the tile's core and its halo.
    const rect = { col0: -haloCells, row0: -haloCells, width: core.width + 2 * haloCells, height: core.height + 2 * haloCells };
    const cells = rect.width * rect.height;
    const known = arrays[pair] ?? [];
    const bands = readBands(path, null, known.map((array) => array.subarray(0, cells)));
    arrays[pair] = bands.map((band, i) => known[i] !== undefined && known[i].length >= band.length ? known[i] : band);
    const [height, weight, spread, count] = bands;
    if (height?.length !== cells || weight === undefined || spread === undefined || count === undefined) {
      throw new Error(`${path}: a partial DSM has the bands height, weight, spread, count of ${rect.width} x ${rect.height} cells`);
    }
    return { pairId, whole: { rect, cells: { height, weight, spread, count } } };
  });

  const forget = (tileId: string): void => {
    bytes -= bytesOf(halos.get(tileId) ?? []);
    halos.delete(tileId);
  };

  const keep = ({ id, core }: TilePlan, parts: ReturnType<typeof read>): readonly Halo[] => {
    const kept = parts.map(({ pairId, whole }) => ({ pairId, pieces: frameOf(core, haloCells).map((rect) => ({ rect, cells: cut([whole], rect) })) }));
    halos.set(id, kept);
    bytes += bytesOf(kept);
    for (const oldest of halos.keys()) {
      if (bytes <= cacheBytes || oldest === id) break;
      forget(oldest);
    }
    return kept;
  };

  return {
    own(tile) {
      const parts = read(tile, ownArrays);
      if (!halos.has(tile.id)) keep(tile, parts);
      const core = { col0: 0, row0: 0, width: tile.core.width, height: tile.core.height };
      return parts.map(({ pairId, whole: { rect, cells } }) => ({ tileId: tile.id, pairId, core, rect, ...cells }));
    },
    halo(other, owner) {
      const core: CellRect = { ...offsetIn(owner, other.core), width: other.core.width, height: other.core.height };
      const reach = { col0: core.col0 - haloCells, row0: core.row0 - haloCells, width: core.width + 2 * haloCells, height: core.height + 2 * haloCells };
      const rect = common(reach, { col0: 0, row0: 0, width: owner.width, height: owner.height });
      if (rect === null) return [];
      const inOther = { ...rect, col0: rect.col0 - core.col0, row0: rect.row0 - core.row0 };
      return (halos.get(other.id) ?? keep(other, read(other, otherArrays))).map(({ pairId, pieces }) =>
        ({ tileId: other.id, pairId, core, rect, ...cut(pieces, inOther) }));
    },
    forget,
  };
}

/** The halo around a core: above and below with the corners, left and right between. */
function frameOf({ width, height }: GridSpec, haloCells: number): CellRect[] {
  if (haloCells === 0) return [];
  const across = { col0: -haloCells, width: width + 2 * haloCells, height: haloCells };
  const down = { row0: 0, width: haloCells, height };
  return [{ ...across, row0: -haloCells }, { ...across, row0: height }, { ...down, col0: -haloCells }, { ...down, col0: width }];
}

/** The cells of a rectangle from the pieces it lies in; empty where there is none. */
function cut(pieces: readonly Piece[], rect: CellRect): PartialCells {
  const band = (): Float32Array => new Float32Array(rect.width * rect.height);
  const out = { height: band(), weight: band(), spread: band(), count: band() };
  for (const { rect: from, cells } of pieces) {
    const part = common(from, rect);
    if (part === null) continue;
    for (let row = part.row0; row < part.row0 + part.height; row++) {
      const source = (row - from.row0) * from.width + part.col0 - from.col0;
      const target = (row - rect.row0) * rect.width + part.col0 - rect.col0;
      for (const name of ['height', 'weight', 'spread', 'count'] as const) out[name].set(cells[name].subarray(source, source + part.width), target);
    }
  }
  return out;
}

function common(a: CellRect, b: CellRect): CellRect | null {
  const col0 = Math.max(a.col0, b.col0);
  const row0 = Math.max(a.row0, b.row0);
  const width = Math.min(a.col0 + a.width, b.col0 + b.width) - col0;
  const height = Math.min(a.row0 + a.height, b.row0 + b.height) - row0;
  return width > 0 && height > 0 ? { col0, row0, width, height } : null;
}

const bytesOf = (halos: readonly Halo[]): number =>
  halos.reduce((sum, { pieces }) => sum + pieces.reduce((cells, { rect }) => cells + 16 * rect.width * rect.height, 0), 0);
