// SPDX-License-Identifier: Apache-2.0
export type { ObjectStore } from './object-store.js';
export type { TaskDelivery, TaskQueue } from './task-queue.js';
