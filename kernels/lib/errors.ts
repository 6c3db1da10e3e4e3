// SPDX-License-Identifier: Apache-2.0
/** A kernel was called with an argument it can't work with: "Expected … for … but received …". */
export class KernelArgumentError extends Error {
  readonly code = 'kernel-argument';
  constructor(expected: string, field: string, received: unknown) {
    super(`Expected ${expected} for ${field} but received ${String(received)}`);
    this.name = 'KernelArgumentError';
  }
}

/** A pair's geometry over a tile can't be modelled: the message says which figure is too large and where. */
export class TileGeometryError extends Error {
  readonly code = 'tile-geometry';
  constructor(message: string) {
    super(message);
    this.name = 'TileGeometryError';
  }
}
