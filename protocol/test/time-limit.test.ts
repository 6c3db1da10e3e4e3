// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { timeLimit } from '../io/index.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('a time limit fires as one of several signals, whatever the garbage collector does', async (t) => {
  const other = new AbortController();
  const ofOneLimit = (): AbortSignal[] => {
    const { signal } = timeLimit(200);
    return [AbortSignal.any([other.signal, signal]), AbortSignal.any([other.signal, signal])];
  };
  const [listened, polled] = ofOneLimit();
  if (!listened || !polled) return t.fail();
  const fired = once(listened, 'abort', { signal: AbortSignal.timeout(20_000) });
  for (let i = 0; i < 5; i++) {
    await delay(10);
    collectGarbage();
  }
  await fired;
  t.like(listened.reason, { name: 'TimeoutError', message: 'not within 200 ms' });
  t.true(polled.aborted);
});

test('a limit that was cleared never fires, and keeps nothing running', async (t) => {
  const limit = timeLimit(1);
  limit.clear();
  await delay(20);
  t.false(limit.signal.aborted);
});
