// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { openMemoryQueue } from '../io/index.js';
import { makeFakeClock } from './fake-clock.js';
import { agentInfo, testTaskQueue } from './task-queue-conformance.js';

testTaskQueue(test, 'memory', async () => {
  const clock = makeFakeClock();
  return { queue: openMemoryQueue({ ackWaitMs: 15_000, clock }), ackWaitMs: 15_000, elapse: (ms) => clock.advance(ms), now: () => clock.now(), isEmpty: async () => undefined };
});

test('memory queue: an agent that isn\'t announced for 30 s is gone', async (t) => {
  const clock = makeFakeClock();
  const queue = openMemoryQueue({ clock });
  await queue.announceAgent('a', agentInfo(1));
  await clock.advance(29_000);
  t.is((await queue.agents()).size, 1);
  await clock.advance(2_000);
  t.is((await queue.agents()).size, 0);
});
