// SPDX-License-Identifier: Apache-2.0
export type { Comparison, ComparisonStatistics } from './compare.js';
export { kernelPorts } from './plan-ports.js';
export { planScene } from './plan-scene.js';
export { type RunOptions, runScene } from './run-scene.js';
export type { RunSummary, SceneResult } from './scene-result.js';
export type { SceneWork } from './scene-work.js';
export { quantile } from './statistics.js';
export { tileCount } from './tile-index.js';
export type { DescribedImage } from './view.js';
