// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * Loads the addon and types it as the caller declares its part of it. Every lib/<name>.ts declares the
 * native functions it wraps right beside the wrapper, so that contract and checks are on one page.
 */
export function loadNative<T>(): T {
  return require('../../build/Release/altiplano_kernels.node') as T;
}

/** SHA-256 of the C++ sources the addon was built from, hex; the same on every machine. */
export const { sourcesHash } = loadNative<{ readonly sourcesHash: string }>();
