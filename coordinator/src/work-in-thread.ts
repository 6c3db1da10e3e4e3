// SPDX-License-Identifier: Apache-2.0
// The thread behind openWorkThread: one request after the other, in the order in which they were asked.
import { parentPort } from 'node:worker_threads';
import { configureGdal } from '@altiplano/kernels/raster';
import type { LevelPlan, Retry, ScenePlan } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import { openStore } from '@altiplano/protocol/store';
import { type Merge, type MergeInputs, type MergedDsm, openMerge } from './merge-dsm.js';
import { publishProducts } from './publish.js';
import { type Prior, type PriorRequest, makePrior } from './range-tiles.js';
import type { ProductsRequest } from './scene-work.js';

/** What a merge needs to know of a tile that ended. */
export interface EndedTile {
  readonly id: string;
  readonly partials: readonly { readonly pairId: string; readonly outKey: string }[];
  readonly isDead: boolean;
}

export type WorkRequest =
  | { readonly is: 'openMerge'; readonly merge: number; readonly storeUrl: string; readonly plan: ScenePlan; readonly level: LevelPlan; readonly path: string; readonly earlier: MergeInputs['earlier'] }
  /** `ended`: the tile and its neighbours. */
  | { readonly is: 'mergeTile'; readonly merge: number; readonly tileId: string; readonly ended: readonly EndedTile[]; readonly isSame: boolean }
  | { readonly is: 'finishMerge'; readonly merge: number }
  | { readonly is: 'abandonMerge'; readonly merge: number }
  | { readonly is: 'makePrior'; readonly storeUrl: string; readonly request: Omit<PriorRequest, 'store'> }
  | { readonly is: 'publishProducts'; readonly storeUrl: string; readonly request: Omit<ProductsRequest, 'store'> };

export interface WorkResults {
  readonly openMerge: void;
  readonly mergeTile: void;
  readonly finishMerge: MergedDsm;
  readonly abandonMerge: void;
  readonly makePrior: Prior;
  readonly publishProducts: Record<string, string>;
}

/** An error as plain data: its class doesn't survive the way between threads. */
export interface WorkFailure { readonly code: string; readonly message: string; readonly retry: Retry; readonly stack?: string | undefined }
export interface WorkReply { readonly number: number; readonly result: never; readonly error: WorkFailure | null }

interface OpenMerge { readonly storeUrl: string; readonly merge: Merge; ended: ReadonlyMap<string, EndedTile>; isSame: boolean }

function openWork(): (request: WorkRequest) => Promise<WorkResults[keyof WorkResults]> {
  const merges = new Map<number, OpenMerge>();
  const stores = new Map<string, ObjectStore>();
  const storeAt = async (url: string): Promise<ObjectStore> => {
    const store = stores.get(url) ?? await openStore(url);
    stores.set(url, store);
    // Each time: credentials expire.
    configureGdal(await store.gdalOptions());
    return store;
  };
  const mergeOf = (number: number): OpenMerge => {
    const open = merges.get(number);
    if (open === undefined) throw new Error(`merge ${number} is not open`);
    return open;
  };

  return async (request) => {
    switch (request.is) {
      case 'openMerge': {
        const { plan, level, path, earlier = null } = request;
        const open: OpenMerge = {
          storeUrl: request.storeUrl,
          ended: new Map(), isSame: false,
          merge: openMerge({
            store: await storeAt(request.storeUrl), plan, level, path,
            partials: (id) => open.ended.get(id)?.partials ?? [],
            isDead: (id) => open.ended.get(id)?.isDead === true,
            earlier, isSame: () => open.isSame,
          }),
        };
        merges.set(request.merge, open);
        return;
      }
      case 'mergeTile': {
        const open = mergeOf(request.merge);
        await storeAt(open.storeUrl);
        open.isSame = request.isSame;
        open.ended = new Map(request.ended.map((tile) => [tile.id, tile]));
        return open.merge.mergeTile(request.tileId);
      }
      case 'finishMerge': {
        const { merge, storeUrl } = mergeOf(request.merge);
        await storeAt(storeUrl);
        const merged = await merge.finish();
        merges.delete(request.merge);
        return merged;
      }
      case 'abandonMerge': {
        const open = merges.get(request.merge);
        merges.delete(request.merge);
        return open?.merge.abandon();
      }
      case 'makePrior':
        return makePrior({ ...request.request, store: await storeAt(request.storeUrl) });
      case 'publishProducts':
        return publishProducts({ ...request.request, store: await storeAt(request.storeUrl) });
    }
  };
}

function failureOf(error: unknown): WorkFailure {
  if (!(error instanceof Error)) return { code: 'unknown', message: String(error), retry: 'never' };
  const retry = 'retry' in error && (error.retry === 'later' || error.retry === 'now') ? error.retry : 'never';
  return { code: 'code' in error ? String(error.code) : 'unknown', message: error.message, retry, stack: error.stack };
}

const run = openWork();
let chain = Promise.resolve();
parentPort?.on('message', ({ number, request }: { readonly number: number; readonly request: WorkRequest }) => {
  chain = chain.then(async () => {
    try {
      parentPort?.postMessage({ number, result: await run(request), error: null });
    } catch (error) {
      parentPort?.postMessage({ number, result: null, error: failureOf(error) });
    }
  });
});
