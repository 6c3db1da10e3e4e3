// SPDX-License-Identifier: Apache-2.0

/** How long an agent's last tasks took, by kind. */
export interface WallTimes {
  add(kind: string, ms: number): void;
  /**
   * Whether a task that has been running for `elapsedMs` may end within `graceMs`, if it takes no longer than the slowest of the last ones
   * of its kind. Where none is known, or it has taken longer than all of them, it may end at any moment.
   */
  fits(kind: string, elapsedMs: number, graceMs: number): boolean;
}

const remembered = 16;

/** Remembers the last 16 of each kind. */
export function makeWallTimes(): WallTimes {
  const byKind = new Map<string, number[]>();
  return {
    add(kind, ms) {
      const last = byKind.get(kind);
      if (last === undefined) byKind.set(kind, [ms]);
      else if (last.push(ms) > remembered) last.shift();
    },
    fits: (kind, elapsedMs, graceMs) => Math.max(0, ...(byKind.get(kind) ?? [])) - elapsedMs <= graceMs,
  };
}
