// SPDX-License-Identifier: Apache-2.0
export { type CompareInputs, type Comparison, type ComparisonStatistics, compareDsms } from './compare.js';
export { comparisonTable, registerCompare } from './commands/compare.js';
export type { Shift } from './coregister.js';
export { type Cameras, type Pointing, type PointingInput, solvePointing } from './solve-pointing.js';
export { type DifferenceStatistics, differenceStatistics, quantile } from './statistics.js';
