// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import type { Task } from '@altiplano/protocol';
import { ledgerKey, taskHash } from '@altiplano/protocol/plain';
import type { ObjectStore } from '@altiplano/protocol/io';

/**
 * The store for one task's result: nothing is put once another agent has ended the task's round. An agent that was paused, or cut off, with a
 * task in hand may come back after the scene is done and tidied up, and its result would lie there for good. What is left is the moment
 * between the look and the put.
 */
export function unendedRound(store: ObjectStore, task: Task): ObjectStore {
  const key = ledgerKey(task.sceneId, { taskId: task.taskId, taskHash: taskHash(task), round: task.round });
  return {
    ...store,
    putIfAbsent: async (...args) => !(await store.has(key)) && store.putIfAbsent(...args),
    async putFileIfAbsent(name, path) {
      if (!(await store.has(key))) return store.putFileIfAbsent(name, path);
      await rm(path, { force: true });
      return false;
    },
  };
}
