// SPDX-License-Identifier: Apache-2.0
import type { SceneOrder } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import type { Command } from 'commander';
import { deadTaskTexts, noDeadTasks } from '../dead-tasks.js';
import { type ClusterFacts, diagnose } from '../views/diagnose.js';
import { isEndPhase, phaseText } from '../views/scene-phase.js';
import { age, namedRows, objectUrl } from '../views/text-table.js';
import type { TileRow } from '../views/tile-rows.js';
import { type ClusterFlags, addClusterOptions, withBusIfThere, withStore } from './cluster-options.js';

/** Adds `altiplano status --scene S` to the program. */
export function registerStatus(program: Command): void {
  addClusterOptions(program.command('status'))
    .option('--scene <id>', 'the scene; altiplano scenes lists them (default: the only one in the store)')
    .option('--json', 'print one line of JSON')
    .addHelpText('after', `
Examples:
  altiplano status --scene town --store s3://scenes/prod --nats nats://bus:4222
  altiplano status --store scene/.altiplano/store        of altiplano run --out scene

All but the numbers of agents and waiting tasks comes from the store, not the bus.`)
    .action((options: ClusterFlags & { readonly scene?: string; readonly json?: true }) => withStore(options, async (store) => {
      const { localText, readLocalRun } = await import('../views/local-run.js');
      const { whichScene } = await import('../views/which-scene.js');
      const sceneId = await whichScene(store, options.scene);
      const local = await readLocalRun(store, sceneId);
      if (local !== null) {
        process.stdout.write(options.json ? `${JSON.stringify(local)}\n` : localText(local));
        return;
      }
      const facts = await factsOf(store, sceneId, options);
      const stuck = diagnose(facts);
      process.stdout.write(options.json ? `${JSON.stringify({ ...facts, stuck })}\n` : statusText(facts, stuck, options.store));
    }));
}

async function factsOf(store: ObjectStore, sceneId: string, options: ClusterFlags): Promise<ClusterFacts> {
  const { readCoordinator, readPlan, readScene } = await import('../views/read-cluster.js');
  const { tileRows } = await import('../views/tile-rows.js');
  const scene = await readScene(store, sceneId);
  const retrying: TileRow[] = [];
  for await (const row of tileRows(store, await readPlan(store, sceneId), new Set(['retrying']))) retrying.push(row);
  const bus = await withBusIfThere(options, async (queue) => {
    const [agents, depth] = await Promise.all([queue.agents(), queue.depth()]);
    return { agents: agents.size, waiting: Object.values(depth).reduce((sum, count) => sum + count, 0) };
  }, ({ message }) => process.stderr.write(`altiplano: ${message}\n`));
  return { scene, coordinator: await readCoordinator(store), agents: bus?.agents ?? null, waiting: bus?.waiting ?? null, retrying, now: new Date() };
}

function statusText({ scene, coordinator, agents, waiting, now }: ClusterFacts, stuck: readonly string[], store: string): string {
  const { sceneId, state, status, orders, entry } = scene;
  const since = (at: string): string => `${age((now.getTime() - Date.parse(at)) / 1000)} ago`;
  const rows: (readonly [string, string])[] = [
    ['scene', sceneId],
    ['state', `${phaseText(state, status)}${status === null ? '' : `, updated ${since(status.updatedAt)}`}`],
    ['submitted', `${since(entry.submittedAt)} by ${entry.by}`],
    ['images', entry.images.join(', ')],
    ...(status === null ? [] : [
      ['tiles', `${status.tiles.done} done, ${status.tiles.empty} empty, ${status.tiles.dead} dead of ${status.tiles.planned}`] as const]),
    ...deadTaskTexts(status?.deadTasks ?? noDeadTasks).map((text) => ['dead', text] as const),
    ...orders.filter(({ type }) => type !== 'run').map((order) => ['order', `${orderText(order)}, ${since(order.at)} by ${order.by}`] as const),
    ['coordinator', coordinator === null ? 'none so far'
      : `${coordinator.lease.coordinator} on ${coordinator.lease.host}, epoch ${coordinator.lease.epoch}, sign of life ${since(coordinator.beat?.at ?? coordinator.lease.at)}`],
    ['agents', agents === null ? 'the bus does not answer' : `${agents}, ${waiting ?? 0} tasks waiting`],
    ...Object.entries(status?.products ?? {}).map(([name, key]) => [name, objectUrl(store, key)] as const),
    ...(status === null || status.earlierWarnings === 0 ? [] : [['note', `${status.earlierWarnings} earlier ones are in the coordinator's log (scene:warning)`] as const]),
    ...(status?.warnings ?? []).map((warning) => ['note', warning] as const),
    ...stuck.map((sentence) => [isEndPhase(state) ? 'next' : 'stuck', sentence] as const),
  ];
  return namedRows(rows);
}

function orderText(order: SceneOrder): string {
  if (order.type !== 'replay') return `${order.number}: ${order.type}`;
  const set = Object.entries(order.set).map(([name, value]) => ` ${name}=${value}`).join('');
  return `${order.number}: replay of ${order.taskIds.length === 1 ? order.taskIds[0] ?? '' : `${order.taskIds.length} tasks`}${set === '' ? '' : ` with${set}`}`;
}
