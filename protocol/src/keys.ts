// SPDX-License-Identifier: Apache-2.0
/** Every object key Altiplano uses, as functions of the plain ids. */
export const scenesPrefix = 'scenes/';
export const scenePrefix = (sceneId: string): string => `${scenesPrefix}${sceneId}/`;
export const planKey = (sceneId: string): string => `scenes/${sceneId}/plan.json`;
/** The scene whose plan a key is; null for other keys. */
export const sceneOfPlanKey = (key: string): string | null => /^scenes\/([^/]+)\/plan\.json$/.exec(key)?.[1] ?? null;
/** `content`: a hash of what the image is made of, so that no agent takes an image of the same name, of a scene dropped and submitted anew, for it. */
export const imageKey = (sceneId: string, index: number, content: string): string => `scenes/${sceneId}/images/${index}.${content}.tif`;
export const alignKey = (sceneId: string, pairId: string, windowId: string, hash: string): string =>
  `scenes/${sceneId}/align/${pairId}/${windowId}.${hash}.json`;
/** A pair's pointing correction, named by its content. */
export const pointingKey = (sceneId: string, pairId: string, hash: string): string => `scenes/${sceneId}/align/${pairId}.${hash}.json`;
export const partialKey = (sceneId: string, factor: number, tileId: string, pairId: string, hash: string): string =>
  factor === 1 ? `scenes/${sceneId}/partials/${tileId}/${pairId}.${hash}.tif` : `scenes/${sceneId}/coarse/${factor}/${tileId}/${pairId}.${hash}.tif`;
/** DSM of a coarse level, named by the epoch that merged it, and the height bounds (bands low, high) the next finer level searches between, named by their content. */
export const coarseDsmKey = (sceneId: string, factor: number, epoch: number): string => `scenes/${sceneId}/coarse/dsm-${factor}.${epoch}.tif`;
export const priorKey = (sceneId: string, factor: number, hash: string): string => `scenes/${sceneId}/coarse/prior-${factor}.${hash}.tif`;
/**
 * One piece of work of a task: its content by hash, and the round it was asked for (0, and the number of the replay that asked again).
 * Everything written about it has a name of its own, so that nothing in the ledger is ever replaced.
 */
export interface TaskRound { readonly taskId: string; readonly taskHash: string; readonly round: number }
const roundName = ({ taskId, taskHash, round }: TaskRound): string => `${taskId}.${taskHash}.${round}`;

export const ledgerPrefix = (sceneId: string): string => `scenes/${sceneId}/ledger/`;
/** How a round of a task ended. */
export const ledgerKey = (sceneId: string, of: TaskRound): string => `${ledgerPrefix(sceneId)}${roundName(of)}.json`;
/** Rounds that may have ended as dead, as their ledger entries tell: so that finding the few costs no reading of all. */
export const deadPrefix = (sceneId: string): string => `scenes/${sceneId}/dead/`;
export const deadKey = (sceneId: string, of: TaskRound): string => `${deadPrefix(sceneId)}${roundName(of)}.json`;
/** The round that a key of the ledger, or of the dead, names; null for other keys. */
export function parseRoundKey(prefix: string, key: string): TaskRound | null {
  const [taskId, taskHash, round, suffix, ...rest] = key.startsWith(prefix) ? key.slice(prefix.length).split('.') : [];
  if (!taskId || !taskHash || round === undefined || !/^\d+$/.test(round) || suffix !== 'json' || rest.length > 0) return null;
  return { taskId, taskHash, round: Number(round) };
}
/** What ended without an outcome: errors tried again, crashes, drains. */
export const attemptsPrefix = (sceneId: string): string => `scenes/${sceneId}/attempts/`;
export const attemptsOfRound = (sceneId: string, of: TaskRound): string => `${attemptsPrefix(sceneId)}${roundName(of)}/`;
export const attemptKey = (sceneId: string, of: TaskRound, name: string): string => `${attemptsOfRound(sceneId, of)}${name}.json`;

export const productsPrefix = (sceneId: string): string => `scenes/${sceneId}/products/`;
/** A product that `altiplano run` copied into the store. */
export const productKey = (sceneId: string, name: string): string => `${productsPrefix(sceneId)}${name}`;
/** Products as a cluster's coordinator publishes them: an edition for each time, so that none is ever replaced in parts. */
export const editionPrefix = (sceneId: string, epoch: number, order: number): string => `${productsPrefix(sceneId)}${epoch}-${order}/`;
export const isEditionKey = (sceneId: string, key: string): boolean => key.startsWith(productsPrefix(sceneId)) && /^\d+-\d+\//.test(key.slice(productsPrefix(sceneId).length));

/** A scene's merged raster and what it was merged from, kept for replays. */
export const mergedPrefix = (sceneId: string): string => `scenes/${sceneId}/merged/`;
export const mergedKey = (sceneId: string, epoch: number, order: number, name: string): string => `${mergedPrefix(sceneId)}${epoch}-${order}/${name}`;

const digits = (value: number): string => String(value).padStart(8, '0');
const lastNumber = (key: string): number => Number(/(\d{8})\.json$/.exec(key)?.[1] ?? NaN);

/** What people asked of a scene, in order: see SceneOrder. */
export const ordersPrefix = (sceneId: string): string => `scenes/${sceneId}/orders/`;
export const orderKey = (sceneId: string, number: number): string => `${ordersPrefix(sceneId)}${digits(number)}.json`;
export const orderOfKey = lastNumber;
/** Every scene the store has, so that naming them costs no listing of what is in them. */
export const catalogPrefix = 'catalog/';
export const catalogKey = (sceneId: string): string => `${catalogPrefix}${sceneId}.json`;
/** Orders not carried out to their end. A coordinator deletes the markers of those it has, and so none that came meanwhile. */
export const activePrefix = 'active/';
export const activeKey = (sceneId: string, order: number): string => `${activePrefix}${sceneId}.${digits(order)}.json`;
export function parseActiveKey(key: string): { readonly sceneId: string; readonly order: number } | null {
  const found = /^active\/([a-z0-9-]+)\.(\d{8})\.json$/.exec(key);
  return found?.[1] === undefined ? null : { sceneId: found[1], order: Number(found[2]) };
}
/**
 * What a coordinator writes and replaces is named by its epoch, the number of its lease: one that was paused and wakes up
 * after another took over writes where nobody looks any more. Readers take the highest epoch.
 */
export const statusPrefix = (sceneId: string): string => `scenes/${sceneId}/status/`;
export const statusKey = (sceneId: string, epoch: number): string => `${statusPrefix(sceneId)}${digits(epoch)}.json`;
export const leasesPrefix = 'coordinator/leases/';
export const leaseKey = (epoch: number): string => `${leasesPrefix}${digits(epoch)}.json`;
export const beatKey = (epoch: number): string => `coordinator/beats/${digits(epoch)}.json`;
export const epochOfKey = lastNumber;
