// SPDX-License-Identifier: Apache-2.0

/** Events on their way to one reader. */
export interface Inbox<T> {
  readonly push: (event: T) => void;
  /** Everything that came since the last call, waiting for at least one. Throws the signal's reason on abort. */
  next(signal: AbortSignal): Promise<readonly T[]>;
}

export function makeInbox<T>(): Inbox<T> {
  let waiting: T[] = [];
  let wake = (): void => undefined;
  return {
    push(event) {
      waiting.push(event);
      wake();
    },
    async next(signal) {
      signal.throwIfAborted();
      if (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          wake = () => {
            signal.removeEventListener('abort', wake);
            resolve();
          };
          signal.addEventListener('abort', wake);
        });
        signal.throwIfAborted();
      }
      const events = waiting;
      waiting = [];
      return events;
    },
  };
}
