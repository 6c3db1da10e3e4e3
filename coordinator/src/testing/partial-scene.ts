// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeGeoTiff } from '@altiplano/kernels/raster';
import { type LevelPlan, type RpcModel, type ScenePlan, type TilePlan, type TileRun, partialKey, scenePlanSchema } from '@altiplano/protocol';
import { type ObjectStore, openFileStore } from '@altiplano/protocol/io';
import { geotransformOf } from '../merge-dsm.js';
import { tilesOf } from '../tile-index.js';

/** A scene whose partial DSMs are there already: EPSG:32636, 1 m cells, tiles of 64 cells with a halo of 8, one pair. */
export interface TestScene {
  readonly store: ObjectStore;
  readonly plan: ScenePlan;
  readonly level: LevelPlan;
  readonly partials: (tileId: string) => readonly { pairId: string; outKey: string }[];
  /** A path for a merged DSM. */
  readonly path: string;
  close(): Promise<void>;
}

const [tileCells, haloCells] = [64, 8];
const zeros = Array<number>(20).fill(0);
const rpc: RpcModel = {
  lonOff: 33, lonScale: 1, latOff: 0, latScale: 1, altOff: 0, altScale: 500, colOff: 0, colScale: 1, rowOff: 0, rowScale: 1,
  colNum: zeros, colDen: zeros, rowNum: zeros, rowDen: zeros,
};

export async function openTestScene({ tiles, partial, compress = 'DEFLATE' }: {
  readonly tiles: readonly (readonly [number, number])[];
  /** Heights (null = hole) of a tile at a place, or null for a tile without a result. */
  readonly partial: (tile: TilePlan) => ((e: number, n: number) => number | null) | null;
  /** NONE: as agents write them, to be mapped. */
  readonly compress?: 'DEFLATE' | 'NONE';
}): Promise<TestScene> {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-scene-'));
  const store = await openFileStore(join(folder, 'store'));
  const level: LevelPlan = {
    factor: 1, resolution: 1, tileCells, haloCells, maxDisparities: 256,
    tileRuns: tiles.toSorted(([ax, ay], [bx, by]) => by - ay || ax - bx)
      .map(([ix, iy]): TileRun => ({ ix, iy, count: 1, core: [0, 0, tileCells, tileCells], pairs: ['0_1'] })),
  };
  const image = { source: 'a.tif', rpcSource: 'a.tif', band: 1, mask: null, width: 100, height: 100, rpc, fingerprint: 'a', gsdM: 1, key: 'a.tif' };
  const plan = scenePlanSchema.parse({
    v: 1, sceneId: 'test', software: '0.0.0+test', crs: 'EPSG:32636', heightDomain: [-100, 1000], alignWindows: [], warnings: [],
    request: { sceneId: 'test', images: [{ path: '/a.tif' }, { path: '/b.tif' }], params: {} },
    images: [{ ...image, index: 0 }, { ...image, index: 1 }],
    pairs: [{ id: '0_1', ref: 0, sec: 1, baseToHeight: 0.5, overlap: { minE: 0, minN: 0, maxE: 1, maxN: 1 }, overlapAreaM2: 1 }],
    levels: [level],
  });
  const stored = new Map<string, string>();
  for (const tile of tilesOf(level)) {
    const heightAt = partial(tile);
    if (heightAt === null) continue;
    const outKey = partialKey('test', 1, tile.id, '0_1', '0'.repeat(16));
    const side = tileCells + 2 * haloCells;
    const grid = { originE: tile.core.originE - haloCells, originN: tile.core.originN + haloCells, resolution: 1, width: side, height: side };
    const height = new Float32Array(side * side).fill(NaN);
    for (let cell = 0; cell < height.length; cell++) {
      height[cell] = heightAt(grid.originE + (cell % side) + 0.5, grid.originN - Math.floor(cell / side) - 0.5) ?? NaN;
    }
    const weight = height.map((h) => (Number.isNaN(h) ? 0 : 1));
    const path = join(folder, 'partial.tif');
    writeGeoTiff(path, {
      width: side, height: side, crs: 'EPSG:32636', geotransform: geotransformOf(grid), compress, ...(compress === 'NONE' ? { tiled: false, stripRows: 64 } : {}),
      bands: [{ data: height, noData: NaN }, { data: weight }, { data: new Float32Array(side * side) }, { data: weight }],
    });
    await store.putFile(outKey, path);
    stored.set(tile.id, outKey);
  }
  return {
    store, plan, level, path: join(folder, 'dsm.tif'),
    partials: (tileId) => { const outKey = stored.get(tileId); return outKey === undefined ? [] : [{ pairId: '0_1', outKey }]; },
    async close() { await store.close(); await rm(folder, { recursive: true, force: true }); },
  };
}
