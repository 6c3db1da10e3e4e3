// SPDX-License-Identifier: Apache-2.0
export type { Comparison, ComparisonStatistics } from './compare.js';
export type { RunSummary } from './scene-result.js';
export { quantile } from './statistics.js';
