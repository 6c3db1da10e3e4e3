// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BandLayout, type MappedBands, bandLayout, dropCachedFile, mapBands, readBands } from '@altiplano/kernels/raster';
import type { TilePlan } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import { offsetIn } from './ground-tiles.js';
import type { BlockPartial } from './merge-block.js';

/** The stored partial DSMs, as a merge looks at them. */
export interface Partials {
  /** Runs `use` with the partials of a tile and of its neighbours, halos and all; their arrays may be gone afterwards. Offsets count from the tile's cells. */
  with<T>(tile: TilePlan, neighbours: readonly TilePlan[], use: (partials: BlockPartial[]) => T): Promise<T>;
  /** Says that a tile will not be asked for again. */
  forget(tileId: string): void;
  /** Removes what was copied here. */
  close(): void;
}

export interface PartialsInputs {
  readonly store: Pick<ObjectStore, 'gdalPath' | 'get'>;
  readonly partials: (tileId: string) => readonly { readonly pairId: string; readonly outKey: string }[];
  readonly haloCells: number;
  /** Local folder, for copies of objects that lie elsewhere; made when needed. */
  readonly scratchDir: string;
}

/** A file to look at: where its bands are, or null where they have to be read. `isCopy`: it is ours. */
interface Source { readonly pairId: string; readonly path: string; readonly layout: BandLayout | null; readonly isCopy: boolean }

/**
 * Looks at partials where they lie: files are mapped, so that of a neighbour only the halo is read, and nothing is kept but the system's
 * own cache of files. The files of the last tile's row stay mapped: the next tile is most often their neighbour, and the halo at a tile's side touches
 * every page. An object in a bucket is copied into a file once. Errors name the file.
 */
export function openPartials({ store, partials, haloCells, scratchDir }: PartialsInputs): Partials {
  const sources = new Map<string, readonly Source[]>();
  /** By path. */
  const mapped = new Map<string, MappedBands>();

  const unmapUnless = (isKept: (path: string) => boolean): void => {
    for (const [path, file] of mapped) {
      if (isKept(path)) continue;
      mapped.delete(path);
      file.close();
    }
  };

  const bandsOf = ({ path, layout }: Source): readonly Float32Array[] => {
    if (layout === null) return readBands(path);
    const file = mapped.get(path) ?? mapBands(layout);
    mapped.set(path, file);
    return file.bands;
  };

  const sourcesOf = async (tileId: string): Promise<readonly Source[]> => {
    const known = sources.get(tileId);
    if (known !== undefined) return known;
    const found: Source[] = [];
    for (const { pairId, outKey } of partials(tileId)) {
      const path = store.gdalPath(outKey);
      const isCopy = path.startsWith('/vsi');
      const local = isCopy ? join(scratchDir, `${tileId}-${pairId}.tif`) : path;
      if (isCopy) {
        mkdirSync(scratchDir, { recursive: true });
        writeFileSync(local, await store.get(outKey));
      }
      found.push({ pairId, path: local, layout: bandLayout(local), isCopy });
    }
    sources.set(tileId, found);
    return found;
  };

  return {
    async with(tile, neighbours, use) {
      const looked: { readonly tile: TilePlan; readonly source: Source }[] = [];
      for (const one of [tile, ...neighbours]) looked.push(...(await sourcesOf(one.id)).map((source) => ({ tile: one, source })));
      try {
        return use(looked.map(({ tile: { id, core }, source }) => {
          const place = { ...offsetIn(tile.core, core), width: core.width, height: core.height };
          // The file covers the tile's core and its halo.
          const rect = { col0: place.col0 - haloCells, row0: place.row0 - haloCells, width: core.width + 2 * haloCells, height: core.height + 2 * haloCells };
          const [height, weight, spread, count] = bandsOf(source);
          if (height?.length !== rect.width * rect.height || weight === undefined || spread === undefined || count === undefined) {
            throw new Error(`${source.path}: a partial DSM has the bands height, weight, spread, count of ${rect.width} x ${rect.height} cells`);
          }
          return { tileId: id, pairId: source.pairId, core: place, rect, height, weight, spread, count };
        }));
      } finally {
        const row = new Set(looked.filter(({ tile: { iy } }) => iy === tile.iy).map(({ source }) => source.path));
        unmapUnless((path) => row.has(path));
      }
    },
    forget(tileId) {
      const gone = sources.get(tileId) ?? [];
      unmapUnless((path) => gone.every((source) => source.path !== path));
      for (const { path, isCopy } of gone) {
        if (isCopy) rmSync(path, { force: true });
        // The merged cells, which publishing reads, are longer in memory for it.
        else dropCachedFile(path);
      }
      sources.delete(tileId);
    },
    close() {
      sources.clear();
      unmapUnless(() => false);
      rmSync(scratchDir, { recursive: true, force: true });
    },
  };
}
