// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { type IngestTask, encodeMessage } from '@altiplano/protocol';
import { type ObjectStore, openStore } from '@altiplano/protocol/io';
import { type IsolatedRunsOptions, runIsolated } from '../src/isolated-runs.js';
import { TaskFailedError } from '../src/task-failure.js';

const runnersUrl = new URL('./test-runners.js', import.meta.url).href;
const taskOf = (source: string): IngestTask =>
  ({ v: 1, kind: 'ingest', sceneId: 'scene', taskId: 't1', round: 0, source, band: 1, mask: null, outKey: 'scenes/scene/t1.tif' });

async function newStore(t: ExecutionContext): Promise<ObjectStore> {
  const folder = await mkdtemp(join(tmpdir(), 'altiplano-isolated-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return openStore(folder);
}

async function failureOf(store: ObjectStore, source: string, options: Partial<IsolatedRunsOptions> = {}) {
  const stages: string[] = [];
  const error: unknown = await runIsolated({ store, timeoutMs: 60_000, runnersUrl, ...options }, taskOf(source), {
    split: false, signal: new AbortController().signal, onStage: (stage) => stages.push(stage),
  }).catch((reason: unknown) => reason);
  return { failure: error instanceof TaskFailedError ? error.failure : null, stages };
}

/** Waits for what has no event: another process's doing. */
async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await delay(20);
}

test('errors of ours come out as they were thrown', async (t) => {
  t.like((await failureOf(await newStore(t), 'bad-input')).failure, { code: 'bad-input', class: 'permanent', message: 'image x.tif: no RPC' });
});

test('a process that ends itself is a crash, with its last stage', async (t) => {
  const { failure, stages } = await failureOf(await newStore(t), 'segfault');
  t.like(failure, { class: 'crash', code: 'crashed', signal: 'SIGSEGV', stage: 'match' });
  t.deepEqual(stages, ['match']);
});

if (process.platform === 'linux') {
  test('a process that holds more than it may is ended, for want of memory', async (t) => {
    const { failure } = await failureOf(await newStore(t), 'hog', { memoryLimitMb: () => 400 });
    t.like(failure, { class: 'memory', code: 'no-memory', stage: 'hog' });
    t.regex(failure?.message ?? '', /held \d+ MB in stage hog, its process may hold 400 MB/);
  });
}

test('an abort ends the process, though its thread is blocked', async (t) => {
  const store = await newStore(t);
  const stop = new AbortController();
  const running = runIsolated({ store, timeoutMs: 60_000, runnersUrl }, taskOf('block'), { split: false, signal: stop.signal, onStage: () => { stop.abort(); } });
  await t.throwsAsync(running, { any: true, name: 'AbortError' });
  const pid = Number(await readFile(store.gdalPath('pid'), 'utf8'));
  t.false(existsSync(`/proc/${pid}`));
});

test('no process is left of an agent that is killed by kill -9', async (t) => {
  const store = await newStore(t);
  const program = `
    const [url, store, task] = process.argv.slice(1);
    const { runIsolated } = await import(new URL('../src/isolated-runs.js', url));
    const { openStore } = await import(import.meta.resolve('@altiplano/protocol/io', url));
    const { parseTask } = await import(import.meta.resolve('@altiplano/protocol', url));
    await runIsolated({ store: await openStore(store), timeoutMs: 60_000, runnersUrl: new URL('./test-runners.js', url).href },
      parseTask(Buffer.from(task, 'base64')), { split: false, signal: new AbortController().signal, onStage() {} });`;
  const task = Buffer.from(encodeMessage(taskOf('block'))).toString('base64');
  const parent = spawn(process.execPath, ['--input-type=module', '--experimental-import-meta-resolve', '-e', program, import.meta.url, store.url, task], { stdio: ['ignore', 'ignore', 'inherit'] });
  t.teardown(() => { parent.kill('SIGKILL'); });
  await until(() => store.has('pid'));
  const pid = Number(await readFile(store.gdalPath('pid'), 'utf8'));
  t.true(existsSync(`/proc/${pid}`));
  parent.kill('SIGKILL');
  await until(() => !existsSync(`/proc/${pid}`));
  t.pass();
});
