// SPDX-License-Identifier: Apache-2.0
export type { AgentConfig } from './config.js';
export { type Log, openLog } from './log.js';
export { type AgentOptions, runAgent } from './run-agent.js';
export { type TaskRunners, runTask } from './run-task.js';
export { runners } from './runners.js';
export type { TaskPorts, TaskResult, TaskRunner } from './task-result.js';
export type { TilePool } from './tile-pool.js';
