// SPDX-License-Identifier: Apache-2.0
import type { Task } from '@altiplano/protocol';

/**
 * For tests of what happens when a kernel crashes; does nothing without ALTIPLANO_TEST_CRASH="<task id>[:<stage>]", which makes the
 * process that runs that task end by a real segmentation fault as the stage (default: the first one) begins.
 */
export function crashHookOf(task: Pick<Task, 'taskId'>): (stage: string) => void {
  const [taskId, at] = (process.env['ALTIPLANO_TEST_CRASH'] ?? '').split(':');
  if (taskId !== task.taskId) return () => undefined;
  return (stage) => {
    if (at !== undefined && at !== stage) return;
    process.kill(process.pid, 'SIGSEGV');
    // The signal may take a moment: nothing more is done meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  };
}
