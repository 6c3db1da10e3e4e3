// SPDX-License-Identifier: Apache-2.0

export interface TimeLimit {
  /** Aborts with a TimeoutError when the time is over. */
  readonly signal: AbortSignal;
  /** To be called when nobody needs the limit any more; the signal then stays as it is. */
  clear(): void;
}

/**
 * A time limit that holds, also as one of several signals. Not AbortSignal.timeout: what AbortSignal.any makes of one refers to it weakly, so the
 * garbage collector may take it, and the limit with it (Node.js 20.20).
 */
export function timeLimit(ms: number): TimeLimit {
  const controller = new AbortController();
  const timer = setTimeout(() => { controller.abort(new DOMException(`not within ${ms} ms`, 'TimeoutError')); }, ms);
  return { signal: controller.signal, clear: () => { clearTimeout(timer); } };
}
