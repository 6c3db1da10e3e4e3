// SPDX-License-Identifier: Apache-2.0
import { type ScenePlan, type TaskOutcome, type TaskRound } from '@altiplano/protocol';
import { type ObjectStore, countAttempts, deadOutcomes, endedRounds, mapConcurrently, readAttempts, readOutcome } from '@altiplano/protocol/io';
import { tileTaskId } from '../make-tasks.js';
import { readOrders } from '../scene-orders.js';
import { taskOrders } from '../task-orders.js';
import { tilesOf } from '../tile-index.js';

export const rowStates = ['done', 'empty', 'dead', 'retrying', 'open'] as const;
/** 'retrying': it failed, and will be tried again; 'open': waiting or in somebody's hands. */
export type RowState = (typeof rowStates)[number];

/** A task as the night shift sees it: its last round. */
export interface TileRow {
  readonly taskId: string;
  /** Null for tasks of no tile: ingest, align. */
  readonly tile: string | null;
  readonly pair: string | null;
  /** Image reduction: 1 is full resolution. */
  readonly level: number | null;
  readonly state: RowState;
  readonly round: number;
  readonly attempts: number;
  /** Why it is empty, dead or tried again. */
  readonly class: string | null;
  readonly code: string | null;
  readonly message: string | null;
  readonly stage: string | null;
  readonly signal: string | null;
  readonly agent: string | null;
  /** When it ended, or its last attempt did, by the agent's clock. */
  readonly at: string | null;
  readonly seconds: number | null;
  /** Where the agent's log lies. */
  readonly log: string | null;
}

type Reader = Pick<ObjectStore, 'get' | 'list'>;

const readsAtOnce = 32;

/**
 * The tasks of a scene in the states asked for, by task id; 'open' ones at full resolution only, as those of other levels are made when their
 * level begins. Dead ones are found without reading the whole ledger.
 */
export async function* tileRows(store: Reader, plan: ScenePlan, states: ReadonlySet<RowState>): AsyncGenerator<TileRow> {
  const { sceneId } = plan;
  const asked = taskOrders(await readOrders(store, sceneId));
  const wanted = (taskId: string): number => asked.get(taskId)?.round ?? 0;
  const isLast = ({ taskId, round }: TaskRound): boolean => round >= wanted(taskId);

  if (states.has('done') || states.has('empty')) {
    let batch: TaskRound[] = [];
    for await (const of of endedRounds(store, sceneId)) {
      if (!isLast(of)) continue;
      batch.push(of);
      if (batch.length < 8 * readsAtOnce) continue;
      yield* await rowsOf(store, sceneId, batch, states);
      batch = [];
    }
    yield* await rowsOf(store, sceneId, batch, states);
  } else if (states.has('dead')) {
    for await (const outcome of deadOutcomes(store, sceneId)) if (isLast(outcome)) yield rowOfOutcome(outcome);
  }
  if (!states.has('open') && !states.has('retrying')) return;

  const ended = new Set<string>();
  for await (const of of endedRounds(store, sceneId)) if (isLast(of)) ended.add(of.taskId);
  const tried = new Map<string, TaskRound>();
  for (const { of } of await countAttempts(store, sceneId)) if (isLast(of) && !ended.has(of.taskId)) tried.set(of.taskId, of);
  for (const of of tried.values()) {
    const row = await triedRow(store, sceneId, of);
    if (states.has(row.state)) yield row;
  }
  const full = plan.levels.at(-1);
  if (!states.has('open') || full === undefined) return;
  for (const tile of tilesOf(full)) {
    for (const pair of tile.pairs) {
      const taskId = tileTaskId(full.factor, tile.id, pair);
      if (!ended.has(taskId) && !tried.has(taskId)) yield { ...noEnd, ...partsOf(taskId), taskId, state: 'open', round: wanted(taskId), attempts: 0 };
    }
  }
}

async function rowsOf(store: Reader, sceneId: string, batch: readonly TaskRound[], states: ReadonlySet<RowState>): Promise<TileRow[]> {
  const rows = new Map<string, TileRow>();
  await mapConcurrently(batch, readsAtOnce, async (of) => {
    const outcome = await readOutcome(store, sceneId, of);
    if (outcome !== null && states.has(outcome.state)) rows.set(of.taskId, rowOfOutcome(outcome));
  });
  return batch.flatMap(({ taskId }) => rows.get(taskId) ?? []);
}

const noEnd = { class: null, code: null, message: null, stage: null, signal: null, agent: null, at: null, seconds: null, log: null } as const;

function rowOfOutcome(outcome: TaskOutcome): TileRow {
  const { taskId, state, round, attempts, reason, error, agent, startedAt, wallSeconds, log } = outcome;
  return {
    taskId, ...partsOf(taskId), state, round, attempts, agent, seconds: wallSeconds, log: log ?? null,
    class: error?.class ?? null, code: error?.code ?? reason ?? null, message: error?.message ?? null, stage: error?.stage ?? null, signal: error?.signal ?? null,
    at: new Date(Date.parse(startedAt) + 1000 * wallSeconds).toISOString(),
  };
}

/** What the last attempt of a round that hasn't ended tells; one that was only handed back is open. */
async function triedRow(store: Reader, sceneId: string, of: TaskRound): Promise<TileRow> {
  const base = { ...noEnd, ...partsOf(of.taskId), taskId: of.taskId, round: of.round };
  const failed = (await readAttempts(store, sceneId, of)).filter((attempt) => attempt.class !== 'drain');
  const last = failed.at(-1);
  if (last === undefined) return { ...base, state: 'open', attempts: 0 };
  const { code, message, stage, signal, agent, at, startedAt, log } = last;
  return {
    ...base, state: 'retrying', attempts: failed.length, class: last.class, code, message, stage: stage ?? null, signal: signal ?? null, agent, at,
    seconds: startedAt === undefined ? null : (Date.parse(at) - Date.parse(startedAt)) / 1000, log: log ?? null,
  };
}

/** Tile, pair and level in a task's id, as tileTaskId makes it. */
function partsOf(taskId: string): Pick<TileRow, 'tile' | 'pair' | 'level'> {
  const [, factor, tile, pair] = /^(?:stereo|coarse(\d+))-(x-?\d+y-?\d+)-(.+)$/.exec(taskId) ?? [];
  return tile === undefined || pair === undefined ? { tile: null, pair: null, level: null } : { tile, pair, level: factor === undefined ? 1 : Number(factor) };
}
