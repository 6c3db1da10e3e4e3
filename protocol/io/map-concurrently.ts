// SPDX-License-Identifier: Apache-2.0
/** Calls `run` on every item, at most `limit` at a time. Rejects with the first failure, after which no more are started. */
export async function mapConcurrently<T>(items: readonly T[], limit: number, run: (item: T) => Promise<void>): Promise<void> {
  const iterator = items.values();
  let hasFailed = false;
  async function lane(): Promise<void> {
    for (const item of iterator) {
      if (hasFailed) return;
      await run(item).catch((error: unknown) => {
        hasFailed = true;
        throw error;
      });
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
}
