// SPDX-License-Identifier: Apache-2.0
import { loadNative } from './native.js';

const native = loadNative<{ simdTarget(): string }>();

/** Name of the instruction set the kernels use on this machine, as Highway names it, e.g. AVX2 or NEON. */
export function simdTarget(): string {
  return native.simdTarget();
}
