// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { ledgerPrefix } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';

/** How far a scene is: by its ledger, which no fault touches, and not by a clock. */
export interface LedgerWatch {
  /** Resolves as soon as so many tasks have ended; false where the watch was stopped before. */
  reached(count: number): Promise<boolean>;
  stop(): Promise<void>;
}

/** Between two looks: a listing of a bucket costs the server more than one of a folder. */
const everyMs = (storeUrl: string): number => (storeUrl.startsWith('s3:') ? 250 : 40);

/** Watches through a way to the store of its own, around the faults. */
export function watchLedger(store: Pick<ObjectStore, 'list' | 'url'>, sceneId: string): LedgerWatch {
  const waiting = new Set<{ readonly count: number; readonly resolve: (isReached: boolean) => void }>();
  const stopped = new AbortController();
  let ended = 0;
  const look = async (): Promise<void> => {
    let count = 0;
    for await (const _key of store.list(ledgerPrefix(sceneId))) count += 1;
    ended = count;
    for (const one of waiting) {
      if (one.count > ended) continue;
      waiting.delete(one);
      one.resolve(true);
    }
  };
  const watching = (async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      // A look that fails is made up for by the next.
      if (waiting.size > 0) await look().catch(() => undefined);
      await delay(everyMs(store.url), undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  })();
  return {
    reached: (count) => (count <= ended ? Promise.resolve(true) : stopped.signal.aborted ? Promise.resolve(false)
      : new Promise((resolve) => { waiting.add({ count, resolve }); })),
    async stop() {
      stopped.abort();
      await watching;
      for (const { resolve } of waiting) resolve(false);
    },
  };
}
