// SPDX-License-Identifier: Apache-2.0
import { Worker } from 'node:worker_threads';
import { AltiplanoError, type TilePlan } from '@altiplano/protocol';
import type { Merge, MergeInputs } from './merge-dsm.js';
import type { SceneWork } from './scene-work.js';
import { openTileIndex } from './tile-index.js';
import type { EndedTile, WorkReply, WorkRequest, WorkResults } from './work-in-thread.js';

export interface WorkThread {
  /** `work` with its merges, priors and products computed in a thread, so that agents are followed meanwhile. */
  readonly work: SceneWork;
  /** Ends the thread: what is still being computed fails, and so does what is asked afterwards. */
  close(): Promise<void>;
}

const closed = (): Error => new Error('the thread that merges and publishes is closed');

/** Starts the thread with the first request; it ends by itself with the process. What fails in it fails here, with its words. */
export function openWorkThread(own: Pick<SceneWork, 'solvePointing'>): WorkThread {
  let worker: Worker | null = null;
  let isClosed = false;
  let asked = 0;
  let merges = 0;
  const waiting = new Map<number, { readonly resolve: (result: never) => void; readonly reject: (error: Error) => void }>();

  const failAll = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    worker = null;
  };
  const start = (): Worker => {
    const started = new Worker(new URL('./work-in-thread.js', import.meta.url));
    started.on('message', ({ number, result, error }: WorkReply) => {
      const { resolve, reject } = waiting.get(number) ?? {};
      waiting.delete(number);
      if (waiting.size === 0) started.unref();
      if (error === null) resolve?.(result);
      else reject?.(new AltiplanoError(error.code, error.message, { retry: error.retry, cause: error.stack }));
    });
    started.on('error', failAll);
    // One that failed, or was closed, has been told of; another may work by now.
    started.on('exit', (code) => { if (worker === started) failAll(new Error(`the thread that merges and publishes ended with exit code ${code}`)); });
    return started;
  };
  const ask = <K extends keyof WorkResults>(request: Extract<WorkRequest, { readonly is: K }>): Promise<WorkResults[K]> =>
    new Promise((resolve, reject) => {
      if (isClosed) return reject(closed());
      worker ??= start();
      worker.ref();
      waiting.set(asked, { resolve, reject });
      worker.postMessage({ number: asked++, request });
    });

  function openMerge({ store, plan, level, partials, isDead = () => false, path, earlier = null, isSame = () => false }: MergeInputs): Merge {
    const merge = merges++;
    const tiles = openTileIndex(level);
    const isMerged = new Uint8Array(tiles.count);
    const opened = ask({ is: 'openMerge', merge, storeUrl: store.url, plan, level, path, earlier });
    opened.catch(() => undefined); // told by the tile that awaits it
    const ended = ({ ix, iy }: TilePlan): EndedTile[] => [-1, 0, 1].flatMap((dy) => [-1, 0, 1].flatMap((dx) => {
      const number = tiles.numberAt(ix + dx, iy + dy);
      if (number < 0) return [];
      const { id } = tiles.tileAt(number);
      return [{ id, partials: partials(id), isDead: isDead(id) }];
    }));
    const mergeOne = async (number: number): Promise<void> => {
      if (isMerged[number] === 1) return;
      const tile = tiles.tileAt(number);
      await opened;
      await ask({ is: 'mergeTile', merge, tileId: tile.id, ended: ended(tile), isSame: isSame(tile.id) });
      isMerged[number] = 1;
    };
    return {
      async mergeTile(tileId) {
        const number = tiles.numberOf(tileId);
        if (number < 0) throw new Error(`tile ${tileId} is not in level 1/${level.factor} of scene ${plan.sceneId}`);
        await mergeOne(number);
      },
      async finish() {
        for (let number = 0; number < tiles.count; number++) await mergeOne(number);
        return ask({ is: 'finishMerge', merge });
      },
      async abandon() { if (worker !== null) await ask({ is: 'abandonMerge', merge }); },
    };
  }

  return {
    work: {
      solvePointing: own.solvePointing,
      openMerge,
      makePrior: ({ store, ...request }) => ask({ is: 'makePrior', storeUrl: store.url, request }),
      publishProducts: ({ store, ...request }) => ask({ is: 'publishProducts', storeUrl: store.url, request }),
    },
    async close() {
      isClosed = true;
      const ending = worker;
      worker = null;
      await ending?.terminate();
      failAll(closed());
    },
  };
}
