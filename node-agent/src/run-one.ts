// SPDX-License-Identifier: Apache-2.0
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, type Task, type TaskOutcome, parseTask, taskHash } from '@altiplano/protocol';
import { addStoreOption } from '@altiplano/protocol/config';
import { type ObjectStore, openStore } from '@altiplano/protocol/io';
import { Command, CommanderError } from 'commander';
import { crashHookOf } from './crash-hook.js';
import { dumpTo, picturePartial } from './dump-stereo.js';
import { runTask } from './run-task.js';
import { runners } from './runners.js';
import { failureOf } from './task-failure.js';
import type { TaskPorts } from './task-result.js';

interface RunOneOptions { readonly store: string; readonly dump?: string; readonly scratch: string }

/**
 * `altiplano-agent run-task`: runs the one task whose message is on standard input, here and without a bus. Reads from the store and
 * never writes to it. Tells stages on standard error as they begin and the outcome as a line of JSON on standard output. Resolves to the
 * exit code: 0 done or empty, 1 it would be dead, 2 bad usage or no task.
 */
export async function runOne(argv: readonly string[], env: { readonly agent: string; readonly now: () => Date }): Promise<number> {
  const command = addStoreOption(new Command('altiplano-agent run-task'))
    .description('runs the task whose message is on standard input, as altiplano tile run asks for; writes nothing to the store')
    .requiredOption('--scratch <dir>', 'folder for files in the making; who asks makes and removes it')
    .option('--dump <dir>', 'folder for what it makes: its result, and every intermediate of a stereo task')
    .allowExcessArguments(false).exitOverride();
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  const { store: url, dump, scratch } = command.opts<RunOneOptions>();
  const task = parseTask(await standardInput());
  const store = await openStore(url);
  try {
    const outcome = await outcomeOf(task, { store: keeping(store, scratch, dump ?? null) }, dump ?? null, env);
    process.stdout.write(`${JSON.stringify(outcome)}\n`);
    return outcome.state === 'dead' ? 1 : 0;
  } finally {
    await store.close();
  }
}

async function outcomeOf(task: Task, { store }: TaskPorts, dump: string | null, { agent, now }: { readonly agent: string; readonly now: () => Date }): Promise<TaskOutcome> {
  const { sceneId, taskId, kind, round } = task;
  const base = { v: 1, sceneId, taskId, kind, taskHash: taskHash(task), round, attempts: 1, agent, startedAt: now().toISOString() } as const;
  const start = performance.now();
  const cpu = process.cpuUsage();
  const cost = (): { wallSeconds: number; cpuSeconds: number } => {
    const { user, system } = process.cpuUsage(cpu);
    return { wallSeconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 };
  };
  const crash = crashHookOf(task);
  let last: string | undefined;
  const onStage = (stage: string): void => {
    last = stage;
    process.stderr.write(`${((performance.now() - start) / 1000).toFixed(2).padStart(8)} s  ${stage}\n`);
    crash(stage);
  };
  try {
    const watch = dump !== null && (task.kind === 'stereo' || task.kind === 'coarse') ? dumpTo(dump, task) : undefined;
    const result = await runTask(runners, { store, onStage, ...(watch && { watch }) }, task);
    return { ...base, ...result, ...cost() };
  } catch (error) {
    const { code, message, class: name, stage = last } = failureOf(error);
    return { ...base, state: 'dead', error: { code, message, class: name, ...(stage !== undefined && { stage }) }, ...cost(), stages: {}, metrics: {} };
  }
}

/** The store, read only: what a task puts lands in the dump, or nowhere. */
function keeping(store: ObjectStore, scratchFolder: string, dump: string | null): ObjectStore {
  const refused = async (key: string): Promise<never> => { throw new InputError(`${key}: a single run writes nothing to the store`); };
  return {
    ...store, scratchFolder, delete: refused, put: refused, putFile: refused,
    putIfAbsent: async () => true,
    async putFileIfAbsent(_key, path) {
      if (dump === null) return true;
      await mkdir(dump, { recursive: true });
      const kept = join(dump, '6-partial.tif');
      await copyFile(path, kept);
      picturePartial(kept);
      return true;
    },
  };
}

async function standardInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
