// SPDX-License-Identifier: Apache-2.0
import { loadNative } from './native.js';

const native = loadNative<{ threadCpuSeconds(): number }>();

/** CPU seconds of the calling thread alone, which Node has no clock for; a microsecond a reading, where /proc takes fifty. */
export function threadCpuSeconds(): number {
  return native.threadCpuSeconds();
}
