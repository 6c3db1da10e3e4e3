// SPDX-License-Identifier: Apache-2.0
import type { ObjectStore } from '@altiplano/protocol/io';
import type { HeldLease } from './lease.js';

/** For so long a look at the store holds: deleting a scene's partial DSMs is thousands of calls. */
const verifiedForMs = 500;

/**
 * The store as a coordinator may use it: nothing is written without the lease in force, and nothing deleted before the store was asked
 * whether it is. What slips through between the look and the write is named by the epoch or by its content, and harms nobody.
 */
export function fencedStore(store: ObjectStore, { check, verify }: Pick<HeldLease, 'check' | 'verify'>): ObjectStore {
  let verifiedAt = -Infinity;
  return {
    ...store,
    async put(...args) { check(); return store.put(...args); },
    async putIfAbsent(...args) { check(); return store.putIfAbsent(...args); },
    async putFile(...args) { check(); return store.putFile(...args); },
    async putFileIfAbsent(...args) { check(); return store.putFileIfAbsent(...args); },
    async delete(key) {
      check();
      if (performance.now() - verifiedAt > verifiedForMs) {
        await verify();
        verifiedAt = performance.now();
      }
      return store.delete(key);
    },
  };
}
