// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AltiplanoError, ObjectMissingError, InputError, type ScenePlan, type TaskOutcome, coarseDsmKey, parseAlignMatches, pointingKey } from '@altiplano/protocol';
import { type SceneCommand, type SceneEvent, type SceneState, levelOf, partialsOf, tileEnd } from './advance-scene.js';
import { pairOf } from './make-tasks.js';
import type { Merge, MergedDsm } from './merge-dsm.js';
import { messageOf } from './message-of.js';
import { findEarlierMerge, keepMerge, mergeSource } from './merged-edition.js';
import { type OutcomeTally, openTally } from './outcome-tally.js';
import { stageSeconds, tileCountsOf } from './scene-result.js';
import type { ScenePorts } from './scene-work.js';
import type { Pointing } from './solve-pointing.js';
import { openTileIndex } from './tile-index.js';

export type ComputeCommand = Exclude<SceneCommand, { type: 'publishTasks' }>;

/** What a coordinator computes of a scene itself, from results in the store. */
export interface SceneComputing {
  /** Carries out one command, and tells its end. After a failure the same command can be given again. */
  compute(command: ComputeCommand, state: () => SceneState): Promise<void>;
  /** Nothing is computed until the next command. */
  readonly rest: () => void;
  /** Counts outcomes for the reports; each task's once. */
  keep(outcomes: readonly TaskOutcome[]): void;
  results(): { readonly pointing: readonly Pointing[]; readonly products: Readonly<Record<string, string>>; readonly tally: OutcomeTally; readonly tilesTaken: number };
  /** Keeps what was merged at full resolution for the next run, which then merges what differs only. */
  keepMerge(state: SceneState, order: number): Promise<void>;
  /** CPU seconds spent here, by stage. */
  ownSeconds(): Record<string, number>;
  /** Drops unfinished files. */
  close(): Promise<void>;
}

export interface SceneComputingOptions {
  readonly outDir: string;
  readonly workDir: string;
  readonly epoch: number;
  readonly tell: (event: SceneEvent) => void;
  readonly warn: (message: string) => void;
}

/** The stage that a command's computing counts for. */
const stageOf = { solvePointing: 'pointing', mergeTile: 'merge', mergeLevel: 'merge', rangeTiles: 'range', publishProducts: 'publish' } as const;

/** What takes less than this has its CPU time not asked for, ms. */
const leastMs = 1;

/** Makes ready to compute what a scene's commands ask for. What it has computed stays with it from command to command. */
export function openSceneComputing(ports: ScenePorts, plan: ScenePlan, options: SceneComputingOptions): SceneComputing {
  const { store, work } = ports;
  const { outDir, workDir, epoch, tell, warn } = options;
  const outcomes = openTally();
  const merges = new Map<number, Merge>();
  /** By factor; what the store has is named by its key there. */
  const merged = new Map<number, MergedDsm>();
  const seconds: Record<string, number> = {};
  /** Tiles at full resolution whose cells are those of an earlier merge. */
  let taken = new Set<string>();
  let pointing: readonly Pointing[] = [];
  let products: Readonly<Record<string, string>> = {};
  let clock: { readonly stage: string | null; readonly since: number; readonly sinceMs: number } | null = null;
  /** What is computed from here on counts for a stage; null: for none. Asking the system for CPU seconds may take as long as a step, so it isn't asked for what is shorter than `leastMs`: that counts for what follows. */
  const enter = (stage: string | null): void => {
    if (clock?.stage === stage) return;
    const nowMs = ports.now();
    if (clock !== null && nowMs - clock.sinceMs < leastMs) {
      clock = { ...clock, stage };
      return;
    }
    const now = ports.cpuSeconds();
    if (clock !== null && clock.stage !== null) seconds[clock.stage] = (seconds[clock.stage] ?? 0) + now - clock.since;
    clock = { stage, since: now, sinceMs: nowMs };
  };

  async function solvePointing({ matches: matchKeys, dead }: Extract<SceneCommand, { type: 'solvePointing' }>): Promise<void> {
    const solved: Pointing[] = [];
    for (const [pairId, keys] of matchKeys) {
      const matches: [number, number, number, number, number][] = [];
      for (const key of keys) for (const match of parseAlignMatches(key, await store.get(key)).matches) matches.push(match);
      const solution = work.solvePointing(plan, pairOf(plan, pairId), matches);
      const bytes = new TextEncoder().encode(JSON.stringify(solution));
      await store.put(pointingKey(plan.sceneId, pairId, createHash('sha256').update(bytes).digest('hex').slice(0, 16)), bytes);
      solved.push(solution);
    }
    const windows = (pairId: string): number => plan.alignWindows.filter(({ pair }) => pair === pairId).length;
    for (const { pairId, model, reason, inliers } of solved) {
      const lost = dead.get(pairId) ?? 0;
      if (lost === 0) continue;
      const count = `pair ${pairId}: ${lost} of ${windows(pairId)} align windows ${lost === 1 ? 'is' : 'are'} dead`;
      // With the RPCs as they are its heights would be wrong, and not missing; the others' would be mixed with them.
      if (model === 'none') {
        throw new InputError(`${count}, and without ${lost === 1 ? 'it' : 'them'} its pointing is not known (${reason ?? 'no matches'}); `
          + `altiplano tiles --scene ${plan.sceneId} --state dead says why, altiplano replay --scene ${plan.sceneId} --dead tries again; after altiplano run the same command does`);
      }
      warn(`${count}; its pointing is solved from ${inliers} matches of the others`);
    }
    // What is matched where no window at all found anything in common would be chance.
    if (plan.alignWindows.length > 0 && solved.every(({ matches }) => matches === 0)) {
      const { request: { heightRange, dem }, heightDomain: [low, high] } = plan;
      const elsewhere = heightRange === undefined && dem === undefined ? '' : `, or the ground is not between ${low.toFixed(0)} and ${high.toFixed(0)} m`;
      throw new InputError(`none of ${plan.alignWindows.length} windows found a single match (pairs ${solved.map(({ pairId }) => pairId).join(', ')}): `
        + `the images show no texture (clouds, water, saturated, no data) or not the same place${elsewhere}`);
    }
    for (const { pairId, model, reason } of solved) {
      if (model === 'none') warn(`pair ${pairId}: pointing not solved (${reason ?? 'no matches'}); using the RPCs as they are`);
    }
    pointing = solved;
    tell({ type: 'pointingSolved', corrections: new Map(solved.map(({ pairId, correction }) => [pairId, correction])) });
  }

  async function mergeOf(state: () => SceneState): Promise<Merge> {
    const level = levelOf(state());
    const known = merges.get(level.factor);
    if (known) return known;
    const tiles = openTileIndex(level);
    const earlier = level.factor === 1 ? await findEarlierMerge(store, plan) : null;
    const isSame = (id: string): boolean => earlier?.sources.get(id) === mergeSource(state(), tiles.tileAt(tiles.numberOf(id)));
    taken = new Set();
    const merge = work.openMerge({
      store, plan, level, path: join(workDir, `${plan.sceneId}-merged-${level.factor}.tif`),
      partials: (id) => partialsOf(state(), tiles.tileAt(tiles.numberOf(id))),
      isDead: (id) => tileEnd(state(), tiles.tileAt(tiles.numberOf(id))) === 'dead',
      earlier,
      isSame(id) {
        if (isSame(id)) taken.add(id);
        return taken.has(id);
      },
    });
    merges.set(level.factor, merge);
    return merge;
  }

  /** A step of the level's merge. Where its files can't be written they are dropped, and the next try begins anew: nobody knows what of them is right. */
  async function merging<T>(state: () => SceneState, step: (merge: Merge) => Promise<T>): Promise<T> {
    const merge = await mergeOf(state);
    try {
      return await step(merge);
    } catch (error) {
      if (messageOf(error).includes(workDir)) {
        merges.delete(levelOf(state()).factor);
        await merge.abandon();
      }
      throw error;
    }
  }

  async function mergeLevel(state: () => SceneState): Promise<void> {
    const { factor } = levelOf(state());
    const { done, empty, dead } = state().endCounts;
    const before = merged.get(factor);
    // A put that failed may have taken the file along: then the run begins again.
    if (before !== undefined && !existsSync(before.path)) throw new ObjectMissingError(coarseDsmKey(plan.sceneId, factor, epoch));
    const result = before ?? await merging(state, (merge) => merge.finish());
    merges.delete(factor);
    merged.set(factor, result);
    if (factor > 1) {
      const key = coarseDsmKey(plan.sceneId, factor, epoch);
      await store.putFile(key, result.path);
      merged.set(factor, { ...result, path: store.gdalPath(key) });
      if (dead > 0) {
        warn(`level 1/${factor}: ${dead} of ${done + empty + dead} tasks ${dead === 1 ? 'is' : 'are'} dead; `
          + 'there the next level searches between the heights around, and may miss what stands out of these');
      }
      if (result.validCells === 0) {
        const [low, high] = plan.heightDomain;
        warn(`level 1/${factor}: no cell got a height; the next level searches ${low.toFixed(0)} to ${high.toFixed(0)} m`);
      }
    }
    tell({ type: 'levelMerged', factor });
  }

  /**
   * The prior of a level from the merged one above. A tile that the level above saw nothing of searches what
   * the whole level above found: what lies outside of it is rather unseen than higher.
   */
  async function rangeTiles(factor: number, from: number): Promise<void> {
    const above = merged.get(from);
    const level = plan.levels.find((candidate) => candidate.factor === factor);
    if (!above || !level) throw new AltiplanoError('plan', `scene ${plan.sceneId}: no level ${from} to range level ${factor} by`);
    if (above.validCells === 0) {
      tell({ type: 'tilesRanged', factor, ranges: null, priorKey: null });
      return;
    }
    const { key, ranges } = await work.makePrior({ merged: above, plan, factor: from, level, store });
    const scene = [above.minHeight, Math.max(above.maxHeight, above.minHeight + 1)] as const;
    tell({ type: 'tilesRanged', factor, ranges: ranges.map((height, i) => (Number.isNaN(height) ? scene[i % 2] ?? NaN : height)), priorKey: key });
  }

  async function publishProducts(state: SceneState): Promise<void> {
    const full = merged.get(1);
    if (!full) throw new AltiplanoError('plan', `scene ${plan.sceneId}: nothing merged at full resolution`);
    const tally = outcomes.tally();
    products = await work.publishProducts({
      store, plan, merged: full, tiles: tileCountsOf(state), tally, pointing, outDir, timings: stageSeconds(tally, seconds),
    });
    tell({ type: 'published' });
  }

  return {
    async compute(command, state) {
      enter(stageOf[command.type]);
      switch (command.type) {
        case 'solvePointing': return solvePointing(command);
        case 'mergeTile':
          await merging(state, (merge) => merge.mergeTile(command.tileId));
          return tell({ type: 'tileMerged', factor: command.factor, tileId: command.tileId });
        case 'mergeLevel': return mergeLevel(state);
        case 'rangeTiles': return rangeTiles(command.factor, command.from);
        case 'publishProducts': return publishProducts(state());
      }
    },
    rest() { enter(null); },
    keep(news) { for (const outcome of news) outcomes.add(outcome); },
    results: () => ({ pointing, products, tally: outcomes.tally(), tilesTaken: taken.size }),
    async keepMerge(state, order) {
      const full = merged.get(1);
      if (full !== undefined) await keepMerge(store, state, full, epoch, order);
    },
    ownSeconds() {
      enter(null);
      return seconds;
    },
    async close() { for (const merge of merges.values()) await merge.abandon(); },
  };
}
