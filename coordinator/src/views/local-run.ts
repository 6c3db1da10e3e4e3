// SPDX-License-Identifier: Apache-2.0
import { type ScenePlan, catalogKey, planKey, productKey, sceneOfPlanKey, scenesPrefix } from '@altiplano/protocol';
import { type ObjectStore, endedRounds } from '@altiplano/protocol/io';
import { z } from 'zod';
import { ingestTasks, tileTaskId } from '../make-tasks.js';
import { readOrders } from '../scene-orders.js';
import { taskOrders } from '../task-orders.js';
import { openTileIndex } from '../tile-index.js';
import { readJson, readPlan } from './read-cluster.js';
import { levelName } from './scene-phase.js';
import { namedRows } from './text-table.js';
import { tileRows } from './tile-rows.js';

// `altiplano run` keeps plan, ledger and results in its store as a coordinator does, but neither catalog nor status: who runs it sees its progress.
// So from elsewhere its scenes are known by their plans, and how far they have come by their ledgers.

type Reader = Pick<ObjectStore, 'get' | 'has' | 'list' | 'url'>;

/** The tasks of a phase. */
export interface PhaseCount {
  /** As progress names it: 'coarse 1/16'. */
  readonly label: string;
  readonly planned: number;
  /** Done, empty or dead, but not asked for again. */
  readonly ended: number;
}

/** A scene as `altiplano run` has made it, or is making it. */
export interface LocalRun {
  readonly sceneId: string;
  /** 'partial': every task has ended, and some are dead; 'unfinished': nothing in the store tells whether somebody is at work. */
  readonly state: 'done' | 'partial' | 'unfinished';
  readonly images: readonly string[];
  /** In the order in which phases run. */
  readonly phases: readonly PhaseCount[];
  /** Tasks of all phases that nobody will try again but the next run. */
  readonly dead: number;
  /** Files by name; none until it is done. */
  readonly products: Readonly<Record<string, string>>;
}

/** The scenes whose plans a store has. Lists all that is there, which a cluster's store may have too much of: that has a catalog. */
export async function plannedSceneIds(store: Pick<ObjectStore, 'list'>): Promise<string[]> {
  const ids: string[] = [];
  for await (const key of store.list(scenesPrefix)) {
    const sceneId = sceneOfPlanKey(key);
    if (sceneId !== null) ids.push(sceneId);
  }
  return ids;
}

/** A scene of a local run; null where the store has no such scene, or has it from `altiplano submit`. */
export async function readLocalRun(store: Reader, sceneId: string): Promise<LocalRun | null> {
  if ((await store.has(catalogKey(sceneId))) || !(await store.has(planKey(sceneId)))) return null;
  const plan = await readPlan(store, sceneId);
  const phases = await countPhases(store, plan);
  let dead = 0;
  for await (const _ of tileRows(store, plan, new Set(['dead']))) dead += 1;
  // Written by a run that is complete, as its last object.
  const summary = await readJson(store, productKey(sceneId, 'run.json'), summarySchema);
  const hasEnded = phases.every(({ ended, planned }) => ended === planned);
  return {
    sceneId, state: summary !== null ? 'done' : hasEnded && dead > 0 ? 'partial' : 'unfinished',
    images: plan.images.map(({ source }) => source), phases, dead, products: summary?.products ?? {},
  };
}

/** All scenes of a store that nothing was submitted to. */
export async function readLocalRuns(store: Reader): Promise<LocalRun[]> {
  const runs: LocalRun[] = [];
  for (const sceneId of await plannedSceneIds(store)) {
    const run = await readLocalRun(store, sceneId);
    if (run !== null) runs.push(run);
  }
  return runs;
}

/** What is told of run.json. */
const summarySchema = z.object({ products: z.record(z.string(), z.string()) });

/** A local run's cells in the table of scenes: its store doesn't tell when it began and was last at work, and dead are tasks, not tiles. */
export const localRow = (run: LocalRun): string[] => [run.sceneId, run.state, localProgress(run), '-', String(run.dead), '-', '-'];

/** How far a local run has come, as phaseText says it of a cluster's scene. */
function localProgress({ state, phases }: LocalRun): string {
  if (state !== 'unfinished') return state;
  const open = phases.find(({ ended, planned }) => ended < planned);
  return open === undefined ? 'publishing' : `${open.label} ${open.ended}/${open.planned}`;
}

/** A local run for people, and what to do next. */
export function localText(run: LocalRun): string {
  const { sceneId, state, images, phases, dead, products } = run;
  const why = `altiplano tiles --scene ${sceneId} --state dead says why tasks are dead`;
  const next = state === 'done' ? [] : [
    ...(dead === 0 ? [] : [why]),
    `if none is at work, the same altiplano run command goes on from here${dead === 0 ? '' : ', and tries dead tasks again'}`,
  ];
  return namedRows([
    ['scene', sceneId],
    ['state', `${localProgress(run)}; made by altiplano run`],
    ['images', images.join(', ')],
    ['tasks', phases.map(({ label, ended, planned }) => `${label} ${ended}/${planned}`).join(', ')],
    ...(dead === 0 ? [] : [['dead', `${dead} ${dead === 1 ? 'task is' : 'tasks are'} dead`] as const]),
    ...Object.entries(products),
    ...next.map((sentence) => ['next', sentence] as const),
  ]);
}

async function countPhases(store: Reader, plan: ScenePlan): Promise<PhaseCount[]> {
  const asked = taskOrders(await readOrders(store, plan.sceneId));
  const ended = new Set<string>();
  for await (const { taskId, round } of endedRounds(store, plan.sceneId)) if (round >= (asked.get(taskId)?.round ?? 0)) ended.add(taskId);
  const count = (label: string, planned: number, prefix: string): PhaseCount =>
    ({ label, planned, ended: [...ended].filter((taskId) => taskId.startsWith(prefix)).length });
  return [
    count('ingest', ingestTasks(plan).length, 'ingest-'),
    count('align', plan.alignWindows.length, 'align-'),
    ...plan.levels.map((level) => count(levelName(level.factor), openTileIndex(level).tasks, tileTaskId(level.factor, '', '').slice(0, -1))),
  ];
}
