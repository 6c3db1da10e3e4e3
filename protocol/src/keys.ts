// SPDX-License-Identifier: Apache-2.0
/** Every object key Altiplano uses, as functions of the plain ids. */
export const scenePrefix = (sceneId: string): string => `scenes/${sceneId}/`;
export const planKey = (sceneId: string): string => `scenes/${sceneId}/plan.json`;
export const imageKey = (sceneId: string, index: number): string => `scenes/${sceneId}/images/${index}.tif`;
export const alignKey = (sceneId: string, pairId: string, windowId: string, hash: string): string =>
  `scenes/${sceneId}/align/${pairId}/${windowId}.${hash}.json`;
export const pointingKey = (sceneId: string, pairId: string): string => `scenes/${sceneId}/align/${pairId}.json`;
export const partialKey = (sceneId: string, factor: number, tileId: string, pairId: string, hash: string): string =>
  factor === 1 ? `scenes/${sceneId}/partials/${tileId}/${pairId}.${hash}.tif` : `scenes/${sceneId}/coarse/${factor}/${tileId}/${pairId}.${hash}.tif`;
/** DSM of a coarse level, and the height bounds (bands low, high) the next finer level searches between, named by their content. */
export const coarseDsmKey = (sceneId: string, factor: number): string => `scenes/${sceneId}/coarse/dsm-${factor}.tif`;
export const priorKey = (sceneId: string, factor: number, hash: string): string => `scenes/${sceneId}/coarse/prior-${factor}.${hash}.tif`;
export const ledgerPrefix = (sceneId: string): string => `scenes/${sceneId}/ledger/`;
export const ledgerKey = (sceneId: string, taskId: string): string => `scenes/${sceneId}/ledger/${taskId}.json`;
export const productKey = (sceneId: string, name: string): string => `scenes/${sceneId}/products/${name}`;
