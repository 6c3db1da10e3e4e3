// SPDX-License-Identifier: Apache-2.0
// A scene on a real bus that goes away at the worst moment.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { ledgerKey, parseTask, taskKinds } from '@altiplano/protocol';
import { openMemoryStore, openNatsQueue, startNatsServer } from '@altiplano/protocol/io';
import { planScene } from './plan-scene.js';
import { runScene } from './run-scene.js';
import { fakeWork } from './testing/fake-cluster.js';
import { flatPair, flatPorts, flatRequest } from './testing/flat-world.js';
import { outcomeOf } from './testing/outcome.js';

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

test('a server that is killed between a task\'s ledger entry and its event doesn\'t keep the scene from ending', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-run-bus-'));
  const storeDir = join(folder, 'nats');
  let server = await startNatsServer({ storeDir });
  const port = Number(new URL(server.url).port);
  // Longer than the test: no second delivery may tell what the first could not.
  const openQueue = () => openNatsQueue({ servers: server.url, ackWaitMs: 600_000 });
  const queue = await openQueue();
  await queue.ensure();
  const plan = planScene(flatRequest({ tileCells: 512 }), flatPair(), flatPorts);
  const memory = openMemoryStore();
  const store = { ...memory, putFile: (key: string) => memory.put(key, new Uint8Array(1)), gdalPath: (key: string) => `/store/${key}` };
  const done = new AbortController();
  let lost = '';

  async function work(): Promise<void> {
    let agent = await openQueue();
    while (!done.signal.aborted) {
      const delivery = await agent.pullTask(taskKinds, 1_000, done.signal);
      if (delivery === null) continue;
      const task = parseTask(delivery.bytes);
      const outcome = outcomeOf(task);
      await store.put(task.outKey, encode({ matches: [[1, 2, 3, 4, 0.9]] }));
      await store.put(ledgerKey(task.sceneId, outcome), encode(outcome));
      const isTheLost = lost === '' && task.kind === 'stereo';
      if (isTheLost) {
        lost = task.taskId;
        process.kill(server.pid, 'SIGKILL');
        await server.ended;
      }
      await agent.publishEvent({ v: 1, type: 'ended', sceneId: task.sceneId, taskId: task.taskId, kind: task.kind, agent: 'test', at: outcome.startedAt, outcome });
      await delivery.ack();
      if (isTheLost) {
        await agent.close(); // with event and ack unsent
        server = await startNatsServer({ storeDir, port });
        agent = await openQueue();
      }
    }
    await agent.close();
  }

  try {
    const working = work();
    const ports = { store, queue, work: fakeWork(), now: () => performance.now(), cpuSeconds: () => 0 };
    const result = await runScene(ports, plan, { outDir: folder, workDir: folder, reconcileMs: 200 }, new AbortController().signal);
    done.abort();
    await working;
    t.is(result.state, 'done', result.failure ?? '');
    t.true(lost.startsWith('stereo-'));
    t.is(result.tiles.done, result.tiles.planned);
  } finally {
    done.abort();
    await queue.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
