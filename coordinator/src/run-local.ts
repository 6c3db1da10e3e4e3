// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { access, constants, copyFile, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { configureGdal } from '@altiplano/kernels/raster';
import { ServiceUnavailableError, type ScenePlan, planKey, productKey } from '@altiplano/protocol';
import { type ObjectStore, findNatsServer, openNatsQueue, openStore, startNatsServer } from '@altiplano/protocol/io';
import { type SceneState, hasTasksAhead } from './advance-scene.js';
import { agentsWhileNeeded, startAgents } from './agent-processes.js';
import { dropObjects, isIntermediate } from './drop-objects.js';
import { lockFolder } from './lock-folder.js';
import { messageOf } from './message-of.js';
import { makeOutFolder, stateDir } from './out-folder.js';
import { outlast } from './outlast.js';
import { type RunOptions, runScene } from './run-scene.js';
import { type RunSummary, type SceneResult, runSummary } from './scene-result.js';
import type { SceneWork } from './scene-work.js';

export interface LocalRun {
  readonly outDir: string;
  /** URL of the store; null: a folder in outDir. */
  readonly store: string | null;
  readonly agents: number;
  /** Keep partial DSMs, coarse levels and ingested images after a complete run. */
  readonly keepIntermediates: boolean;
  /** Drop what the store has of this scene first. */
  readonly fresh: boolean;
  readonly work: SceneWork;
  readonly onState?: RunOptions['onState'];
  readonly onWarning: (message: string) => void;
}

export interface LocalEnd {
  readonly summary: RunSummary;
  /** Null where the scene was complete before. */
  readonly result: SceneResult | null;
}

/** Local folder for rasters in the making. */
const workDir = (dir: string): string => join(dir, 'work');

/** A store that is named by a path, not by a URL. */
const isFolder = (store: string): boolean => !/^[a-z][a-z0-9+.-]*:/i.test(store);

/**
 * Runs a plan on this machine: a private nats-server, agents in processes of their own, products in `outDir`, and what else
 * there is in `outDir`/.altiplano (store, bus, logs, work). A store elsewhere gets the products, too. A complete scene isn't run again; an
 * incomplete one goes on where it ended. Whatever happens, server and agents are ended.
 */
export async function runLocal(plan: ScenePlan, local: LocalRun, signal: AbortSignal): Promise<LocalEnd> {
  const dir = stateDir(local.outDir);
  // What this machine lacks is said before anything is written.
  await findNatsServer();
  await makeOutFolder(dir);
  if (local.store !== null && isFolder(local.store)) await makeOutFolder(local.store, 'store');
  const unlock = await lockFolder(dir);
  const store = await openStore(local.store ?? join(dir, 'store'));
  try {
    configureGdal(await store.gdalOptions());
    if (local.fresh) await dropObjects(store, plan.sceneId, () => true);
    const before = await completedRun(store, plan);
    if (before !== null) return { summary: before, result: null };
    const result = await runCluster(plan, local, dir, store, signal);
    const summary = runSummary(result);
    const kept = <T>(what: string, run: () => Promise<T>): Promise<T> => outlast(run, { what, mostMs: patienceMs, warn: local.onWarning, signal });
    const settle = async (): Promise<void> => {
      if (local.store !== null) for (const path of Object.values(summary.products)) await kept('storing products', () => storeProduct(store, plan.sceneId, path));
      if (result.state !== 'done') return;
      await kept('storing run.json', () => store.put(productKey(plan.sceneId, 'run.json'), new TextEncoder().encode(JSON.stringify(summary))));
      if (!local.keepIntermediates) await dropObjects(store, plan.sceneId, isIntermediate);
    };
    await Promise.all([settle(), local.keepIntermediates || rm(workDir(dir), { recursive: true, force: true })]);
    return { summary, result };
  } finally {
    await store.close();
    await unlock();
  }
}

async function runCluster(plan: ScenePlan, local: LocalRun, dir: string, store: ObjectStore, signal: AbortSignal): Promise<SceneResult> {
  // The bus is a cache of the store's truth: a new run starts with an empty one, without events of an old run.
  await rm(join(dir, 'bus'), { recursive: true, force: true });
  const lost = new AbortController();
  const stop = AbortSignal.any([signal, lost.signal]);
  const server = await startNatsServer({ storeDir: join(dir, 'bus') });
  try {
    // Without tasks ahead they end, beside the last merging and the publishing: the files these read find room in memory instead.
    const agents = agentsWhileNeeded(() => startAgents({
      count: local.agents, natsUrl: server.url, storeUrl: store.url, logDir: join(dir, 'logs'), onWarning: local.onWarning,
      onGone: (error) => { lost.abort(error); },
    }));
    try {
      const onProblem = (problem: Error): void => { local.onWarning(problem.message); };
      const queue = await openNatsQueue({ servers: server.url, name: 'coordinator', signal: stop, onProblem });
      try {
        await queue.ensure();
        const ports = {
          store, queue, work: local.work, now: () => performance.now(),
          cpuSeconds: () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6; },
        };
        const { outDir, onWarning } = local;
        const onState = (state: SceneState): void => {
          agents.need(hasTasksAhead(state));
          local.onState?.(state);
        };
        return await runScene(ports, plan, { outDir, workDir: workDir(dir), triesDeadAgain: true, patienceMs, keepsMerge: local.keepIntermediates, onWarning, onState }, stop);
      } finally {
        await queue.close();
      }
    } finally {
      await agents.stop(signal.aborted ? 4_000 : 10_000);
    }
  } finally {
    await server.stop();
  }
}

/** A store on this machine that can't be written for so long won't be soon: its disk is full, say. */
const patienceMs = 60_000;

/** The summary of an earlier complete run of this very plan whose products are all still there, not replaced by another scene's. */
async function completedRun(store: ObjectStore, plan: ScenePlan): Promise<RunSummary | null> {
  const key = productKey(plan.sceneId, 'run.json');
  if (!(await store.has(key))) return null;
  const text = async (of: string): Promise<string> => new TextDecoder().decode(await store.get(of));
  if ((await text(planKey(plan.sceneId))) !== JSON.stringify(plan)) return null;
  const summary = summaryIn(await text(key));
  if (summary === null) return null;
  for (const path of Object.values(summary.products)) if (!(await access(path).then(() => true, () => false))) return null;
  const item = await readFile(summary.products['stac'] ?? '', 'utf8').then((stac): unknown => JSON.parse(stac)).catch(() => null);
  return isObject(item) && 'id' in item && item.id === plan.sceneId ? summary : null;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** The summary as an earlier run of this very program wrote it; null where something damaged it: then the scene isn't complete. */
function summaryIn(text: string): RunSummary | null {
  try {
    const summary: RunSummary = JSON.parse(text);
    return isObject(summary) && isObject(summary.products) && isObject(summary.tiles) ? summary : null;
  } catch {
    return null;
  }
}

/** Puts a copy of a product into the store. */
async function storeProduct(store: ObjectStore, sceneId: string, path: string): Promise<void> {
  const copy = join(store.scratchFolder, randomUUID());
  try {
    await copyFile(path, copy, constants.COPYFILE_FICLONE).catch((error: unknown) => {
      throw new ServiceUnavailableError(`store: can't take ${path}: ${messageOf(error)}`, error);
    });
    await store.putFile(productKey(sceneId, basename(path)), copy);
  } finally {
    await rm(copy, { force: true });
  }
}
