// SPDX-License-Identifier: Apache-2.0
import { InputError, type SceneOrder, type StereoParams, type Task, alignKey, partialKey, stereoParamsSchema, taskHash } from '@altiplano/protocol';
import type { PhaseTasks } from './phase-tasks.js';

/** What replays ask of a task: its round, and parameters in place of the plan's. */
export interface TaskOrder { readonly round: number; readonly set: Readonly<Record<string, number>> }

/** By task id. */
export type TaskOrders = ReadonlyMap<string, TaskOrder>;

/** The last replay that names a task counts; it keeps parameters changed by those before, where it doesn't change them itself. Orders in their numbers' order. */
export function taskOrders(orders: readonly SceneOrder[]): TaskOrders {
  const byTask = new Map<string, TaskOrder>();
  for (const order of orders) {
    if (order.type !== 'replay') continue;
    for (const taskId of order.taskIds) byTask.set(taskId, { round: order.number, set: { ...byTask.get(taskId)?.set, ...order.set } });
  }
  return byTask;
}

/** Tasks that a replay asked for, with the parameters it left them: by order, whose number is the tasks' round. */
export interface ReplayedTasks { readonly order: number; readonly set: Readonly<Record<string, number>>; readonly taskIds: readonly string[] }

/** Which replay made each of the tasks that are not of the first round, in a compact form. */
export function replayedTasks(orders: TaskOrders): ReplayedTasks[] {
  const groups = new Map<string, { readonly order: number; readonly set: Readonly<Record<string, number>>; readonly taskIds: string[] }>();
  for (const [taskId, { round, set }] of orders) {
    const name = `${round} ${JSON.stringify(Object.entries(set).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
    const group = groups.get(name) ?? { order: round, set, taskIds: [] };
    group.taskIds.push(taskId);
    groups.set(name, group);
  }
  return [...groups.values()].sort((a, b) => a.order - b.order);
}

/** The tasks as their last replays ask for them. */
export function withOrders(tasks: PhaseTasks, orders: TaskOrders): PhaseTasks {
  return orders.size === 0 ? tasks : { ...tasks, taskAt: (number) => orderedTask(tasks.taskAt(number), orders) };
}

/** A task as its last replay asks for it. Other parameters make it other work: its hash and its result's key change. Throws InputError for a parameter that isn't one. */
export function orderedTask(task: Task, orders: TaskOrders): Task {
  const order = orders.get(task.taskId);
  if (order === undefined) return task;
  const { round } = order;
  if (task.kind === 'ingest' || Object.keys(order.set).length === 0) return { ...task, round };
  const changed = { ...task, round, params: changedParams(task.params, order.set) };
  const hash = taskHash(changed);
  return changed.kind === 'align'
    ? { ...changed, outKey: alignKey(changed.sceneId, changed.pairId, changed.windowId, hash) }
    : { ...changed, outKey: partialKey(changed.sceneId, changed.factor, changed.tileId, changed.pairId, hash) };
}

/** Parameters with some of them changed. Throws InputError that names the field and what is expected. */
export function changedParams(params: StereoParams, set: Readonly<Record<string, number>>): StereoParams {
  const unknown = Object.keys(set).find((name) => !(name in params));
  if (unknown !== undefined) throw new InputError(`parameter ${unknown}: not one of ${Object.keys(params).join(', ')}`);
  const parsed = stereoParamsSchema.safeParse({ ...params, ...set });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new InputError(`parameter ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`);
}
