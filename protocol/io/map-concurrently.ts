// SPDX-License-Identifier: Apache-2.0
/** Calls `run` on every item, at most `limit` at a time. Rejects with the first failure, after which no more are started. */
export async function mapConcurrently<T>(items: Iterable<T>, limit: number, run: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let hasFailed = false;
  async function lane(): Promise<void> {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
      if (hasFailed) return;
      await run(next.value).catch((error: unknown) => {
        hasFailed = true;
        throw error;
      });
    }
  }
  await Promise.all(Array.from({ length: limit }, lane));
}
