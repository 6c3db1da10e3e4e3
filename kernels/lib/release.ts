// SPDX-License-Identifier: Apache-2.0
import { loadNative } from './native.js';

const native = loadNative<{ releaseArrays(arrays: readonly ArrayBufferView[]): void }>();

/**
 * Takes back the memory of the typed arrays among an object's values, for the arrays that this thread's kernels make next, where the
 * garbage collector would let a whole stage's wait beside the next one's. The arrays, and others on the same buffers, have length 0 from then on.
 */
export function release(...owners: readonly object[]): void {
  native.releaseArrays(owners.flatMap((owner) => Object.values(owner).filter((value) => ArrayBuffer.isView(value))));
}
