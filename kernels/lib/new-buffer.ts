// SPDX-License-Identifier: Apache-2.0
import { loadNative } from './native.js';

const native = loadNative<{ makeBuffer(bytes: number): ArrayBuffer }>();

/** A buffer for arrays that a kernel fills, of undefined contents: large ones lie where `release` took others back. */
export const newBuffer = (bytes: number): ArrayBuffer => native.makeBuffer(bytes);
