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
