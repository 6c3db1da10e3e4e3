// SPDX-License-Identifier: Apache-2.0
export { type TaskRunners, runTask } from './run-task.js';
export type { TaskPorts, TaskResult, TaskRunner } from './task-result.js';
