// SPDX-License-Identifier: Apache-2.0
export { openFileStore } from './file-store.js';
export { openMemoryStore } from './memory-store.js';
export type { ObjectStore } from './object-store.js';
export { openStore } from './open-store.js';
export type { TaskDelivery, TaskQueue } from './task-queue.js';
