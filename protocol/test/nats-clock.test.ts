// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { openNatsQueue, startNatsServer } from '../io/index.js';
import { ingestTask } from './task-queue-conformance.js';

const hourMs = 3_600_000;

// Alone in its file: the time of day is the whole thread's.
for (const [where, byMs] of [['back', -hourMs], ['ahead', hourMs]] as const) {
  test.serial(`nats queue: a clock set ${where} by an hour doesn't keep a client from coming back`, async (t) => {
    const storeDir = await mkdtemp(join(tmpdir(), 'altiplano-nats-test-'));
    t.teardown(() => rm(storeDir, { recursive: true, force: true, maxRetries: 3 }));
    const first = await startNatsServer({ storeDir });
    const queue = await openNatsQueue({ servers: first.url });
    t.teardown(() => queue.close());
    await queue.ensure();
    await first.stop();
    const { now } = Date;
    Date.now = () => now() + byMs;
    t.teardown(() => { Date.now = now; });
    const second = await startNatsServer({ storeDir, port: Number(new URL(first.url).port) });
    t.teardown(() => second.stop());
    await t.notThrowsAsync(queue.publishTasks([ingestTask('a')], { signal: AbortSignal.timeout(30_000) }));
  });
}
