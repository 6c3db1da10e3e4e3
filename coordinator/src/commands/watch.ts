// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { type SceneStatus, type TaskEvent } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import type { Command } from 'commander';
import { type ProgressView, openProgress } from '../progress.js';
import type { SceneDetails } from '../views/read-cluster.js';
import { exitCodes, isEndPhase, phaseText, statusProgress } from '../views/scene-phase.js';
import { objectUrl } from '../views/text-table.js';
import { type ClusterFlags, addClusterOptions, withBusIfThere, withStore } from './cluster-options.js';

/** Adds `altiplano watch --scene S` to the program. `signal` aborts on SIGINT and SIGTERM. */
export function registerWatch(program: Command, signal: AbortSignal): void {
  addClusterOptions(program.command('watch'))
    .description('follow a scene live, to its end')
    .requiredOption('--scene <id>', 'the scene; altiplano scenes lists them')
    .addHelpText('after', `
Example:
  altiplano watch --scene town && echo complete

Progress comes from the store; failing tasks are told as they fail, where the bus answers. Ctrl-C stops watching, not the scene.
Exit codes: 0 complete, 1 failed or cancelled, 3 partial (some tiles are dead), 130 interrupted.`)
    .action(async (options: ClusterFlags & { readonly scene: string }) => {
      process.exitCode = await withStore(options, (store) => watchScene(store, options, signal));
    });
}

/** Where a scene stands is written every two seconds at most. */
const lookEveryMs = 1_000;

/** Shows a scene's progress until it ends; resolves to the exit code that tells how. */
export async function watchScene(store: ObjectStore, flags: ClusterFlags & { readonly scene: string }, signal: AbortSignal): Promise<number> {
  const { readScene } = await import('../views/read-cluster.js');
  const progress = openProgress({ stream: process.stdout, isTty: process.stdout.isTTY === true, now: () => performance.now() });
  const ended = new AbortController();
  const stop = AbortSignal.any([signal, ended.signal]);
  const telling = withBusIfThere(flags, async (queue) => {
    for await (const event of queue.events(flags.scene, stop, 'ends')) tell(progress, event);
  });
  telling.catch(() => undefined); // awaited below
  try {
    for (let shown = '';;) {
      const scene = await readScene(store, flags.scene);
      const { state, status } = scene;
      if (isEndPhase(state)) {
        progress.close();
        process.stdout.write(endText(scene, status, flags.store));
        return exitCodes[state];
      }
      const counted = status === null || state === 'waiting' ? null : statusProgress(status);
      progress.show(counted);
      const text = counted === null ? phaseText(state, status) : '';
      if (text !== '' && text !== shown) progress.note(text);
      shown = text;
      await delay(lookEveryMs, undefined, { signal });
    }
  } finally {
    progress.close();
    ended.abort();
    await telling.catch((error: unknown) => process.stderr.write(`bus: ${error instanceof Error ? error.message : String(error)}\n`));
  }
}

function tell(progress: ProgressView, event: TaskEvent): void {
  if (event.type === 'retrying') progress.note(`${event.taskId}: attempt ${event.attempt} on ${event.agent} failed, it will be tried again: ${event.error}`);
  if (event.type === 'ended' && event.outcome.state === 'dead') {
    progress.note(`${event.taskId}: dead after ${event.outcome.attempts} attempts on ${event.agent}: ${event.outcome.error?.message ?? 'unknown'}`);
  }
}

function endText({ sceneId, state }: SceneDetails, status: SceneStatus | null, store: string): string {
  if (status === null) return `${sceneId}: ${state}\n`;
  const { tiles, failure, products } = status;
  return `${[
    `${sceneId}: ${state}${failure === null ? '' : `: ${failure}`}`,
    `tiles: ${tiles.done} done, ${tiles.empty} empty, ${tiles.dead} dead of ${tiles.planned}`,
    ...Object.entries(products).map(([name, key]) => `${name}: ${objectUrl(store, key)}`),
  ].join('\n')}\n`;
}
