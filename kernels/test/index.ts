// SPDX-License-Identifier: Apache-2.0
export { dataPath } from './data-folder.js';
export { type BenchPair, type BenchTile, type LimitTimes, loadNativeBench, type NativeBench, type NativeTimes } from './native-bench.js';
export { sampleModel } from './reference-data.js';
export { formatDimap3, formatGeom, formatRpb } from './rpc-writers.js';
