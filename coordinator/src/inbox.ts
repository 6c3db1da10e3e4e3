// SPDX-License-Identifier: Apache-2.0

/** Events on their way to one reader. */
export interface Inbox<T> {
  readonly push: (event: T) => void;
  /** Everything that came since the last call, waiting for at least one. Throws the signal's reason on abort. */
  next(signal: AbortSignal): Promise<readonly T[]>;
}

/** Makes an inbox; its events wait until they are read. */
export function makeInbox<T>(): Inbox<T> {
  let waiting: T[] = [];
  let wake = (): void => undefined;
  /** Signals that wake the reader. */
  const heard = new WeakSet<AbortSignal>();
  return {
    push(event) {
      waiting.push(event);
      wake();
    },
    async next(signal) {
      signal.throwIfAborted();
      if (waiting.length === 0) {
        if (!heard.has(signal)) {
          heard.add(signal);
          signal.addEventListener('abort', () => { wake(); }, { once: true });
        }
        await new Promise<void>((resolve) => { wake = resolve; });
        signal.throwIfAborted();
      }
      const events = waiting;
      waiting = [];
      return events;
    },
  };
}
