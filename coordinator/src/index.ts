// SPDX-License-Identifier: Apache-2.0
export type { Comparison, ComparisonStatistics } from './compare.js';
export { kernelPorts } from './plan-ports.js';
export { planScene } from './plan-scene.js';
export { type RebuiltTask, rebuildTask } from './rebuild-task.js';
export { type RunOptions, runScene } from './run-scene.js';
export type { RunSummary, SceneResult } from './scene-result.js';
export type { SceneWork } from './scene-work.js';
export { quantile } from './statistics.js';
export { tileCount, tilesOf } from './tile-index.js';
export type { DescribedImage } from './view.js';
export { readPlan } from './views/read-cluster.js';
