// SPDX-License-Identifier: Apache-2.0
import { availableParallelism, totalmem } from 'node:os';
import { join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { deadTaskTexts, isAnyDead } from '../dead-tasks.js';
import { duration } from '../duration.js';
import { stateDir } from '../out-folder.js';
import type { OutcomeTally } from '../outcome-tally.js';
import { openProgress, phaseProgress } from '../progress.js';
import type { LocalEnd } from '../run-local.js';
import { type SceneOptions, addSceneOptions, wholeNumber } from '../scene-options.js';
import { matchOverhead } from '../scene-result.js';
import { tileCount } from '../tile-index.js';

interface RunCommandOptions extends SceneOptions {
  readonly out: string;
  readonly store?: string;
  readonly agents: number;
  readonly keepIntermediates?: true;
  readonly fresh?: true;
}

const exitCodes = { done: 0, failed: 1, partial: 3 } as const;

/** Adds `altiplano run IMAGE IMAGE... --out DIR` to the program. `signal` aborts on SIGINT and SIGTERM. */
export function registerRun(program: Command, signal: AbortSignal): void {
  addSceneOptions(program.command('run'))
    .requiredOption('--out <dir>', 'folder for the products: dsm.tif and its companion layers')
    .option('--store <url>', 'object store for the scene: s3://bucket/prefix or a folder (default: DIR/.altiplano/store)')
    .option('--agents <n>', 'number of agent processes', wholeNumber, availableParallelism())
    .option('--keep-intermediates', 'keep ingested images, partial DSMs and coarse levels in DIR/.altiplano')
    .option('--fresh', 'delete what an earlier run of the same scene left, and start over')
    .option('--json', 'end standard output with one line of JSON; progress goes to standard error')
    .addHelpText('after', `
Examples:
  altiplano run left.tif right.tif --out scene
  altiplano run left.tif right.tif --out scene --resolution 1 --crs EPSG:32636 --roi area.geojson
  altiplano run IMG_1.tif IMG_2.tif IMG_3.tif --pairs 0-1,1-2 --out scene --agents 8 --json
  altiplano run s3://images/left.tif s3://images/right.tif --out scene --store s3://scenes/town

DIR gets dsm.tif and the other products; DIR/.altiplano holds the scene's store, the bus and the agents' logs. With --store URL the
scene's store is at URL instead, and gets the products, too. Access to buckets is set by AWS's variables and files (AWS_ACCESS_KEY_ID,
AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL, ...). Run an interrupted or partial scene again with the same arguments, and it continues
where it stopped.

Exit codes: 0 complete, 1 failed, 2 bad usage or input, 3 partial (some tasks are dead), 130 interrupted.`)
    .action(async (images: string[], options: RunCommandOptions) => {
      const { makePlan } = await import('../make-plan.js');
      const { runLocal } = await import('../run-local.js');
      const { sceneWork } = await import('../coordinator-work.js');
      const { openWorkThread } = await import('../work-thread.js');
      const stream = options.json ? process.stderr : process.stdout;
      const progress = openProgress({ stream, isTty: stream.isTTY === true, now: () => performance.now() });
      const note = (message: string): void => { progress.note(`note: ${message}`); };

      const plan = await makePlan(images, options);
      const full = plan.levels.at(-1);
      const tiles = full ? tileCount(full) : 0;
      progress.note(`scene ${plan.sceneId}: ${plan.pairs.length} pair${plan.pairs.length === 1 ? '' : 's'}, ${tiles} tiles, ${plan.crs}, ${options.agents} agents`);
      for (const warning of plan.warnings) note(warning);
      if (options.agents * options.memory * 2 ** 20 > totalmem()) {
        note(`${options.agents} agents of up to ${options.memory} MB exceed this machine's ${(totalmem() / 2 ** 30).toFixed(1)} GB; fewer --agents or less --memory keep it from swapping`);
      }
      const thread = openWorkThread(sceneWork);
      try {
        const outDir = resolve(options.out);
        const end = await runLocal(plan, {
          outDir, store: options.store ?? null, agents: options.agents, keepIntermediates: options.keepIntermediates === true, fresh: options.fresh === true,
          work: thread.work, onState: (state) => { progress.show(phaseProgress(state)); }, onWarning: note,
        }, signal);
        progress.close();
        stream.write(endText(end, plan.sceneId, outDir, options.store ?? join(stateDir(relative(process.cwd(), outDir)), 'store')));
        if (options.json) process.stdout.write(`${JSON.stringify(end.summary)}\n`);
        process.exitCode = exitCodes[end.summary.state];
      } finally {
        progress.close();
        await thread.close();
      }
    });
}

/** How a run ended, for people. */
function endText({ summary, result }: LocalEnd, sceneId: string, outDir: string, store: string): string {
  const { tiles, pointing } = summary;
  const isFailed = summary.state === 'failed';
  const lines = [
    result === null ? 'already complete; --fresh does it again' : result.failure === null ? summary.state === 'done' ? 'complete' : 'partial' : `failed: ${result.failure}`,
    `tiles: ${tiles.done} done, ${tiles.empty} empty, ${tiles.dead} dead of ${tiles.planned}`,
    ...(result === null || result.tilesTaken === 0 ? [] : [`merged: ${tiles.planned - result.tilesTaken} of ${tiles.planned} tiles, the others as the last run left them`]),
    ...pointing.map(({ pair, rmsPx, inliers, correctionPx }) =>
      `pointing of pair ${pair}: corrected by ${correctionPx.toFixed(2)} px, residual ${rmsPx?.toFixed(2) ?? '-'} px rms of ${inliers} matches`),
    ...(result === null ? [] : [...deadTaskTexts(result.deadTasks).map((text) => `dead: ${text}`), ...lostLines(result.tally)]),
    ...(isFailed ? [] : [`${summary.mpx} Mpx of reference image in ${duration(summary.wallSeconds)}, ${(summary.mpx / Math.max(1e-9, summary.coreSeconds)).toFixed(4)} Mpx per core second`
      + (result === null ? '' : `, ${matchOverhead(result.plan, result.tally).toFixed(2)} pixels matched per pixel delivered`)]),
    ...Object.entries(summary.products).map(([name, path]) => `${name}: ${relative(process.cwd(), path) || path}`),
    ...(summary.state === 'done' ? [] : [`logs: ${stateDir(outDir)}/logs`]),
    ...(isAnyDead(summary.deadTasks) ? [`why: altiplano tiles --store ${shellWord(store)} --scene ${sceneId} --state dead`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** A word as a shell takes it. */
const shellWord = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** Which tiles are empty, searched less than they needed, or dead, and why. */
function lostLines({ emptyReasons, clipped, dead }: OutcomeTally): string[] {
  const reasons = Object.entries(emptyReasons).map(([reason, n]) => `${n} ${reason}`);
  return [
    ...(reasons.length === 0 ? [] : [`empty: ${reasons.join(', ')}`]),
    ...(clipped.count === 0 ? [] : [`clipped: ${clipped.count} tiles needed more disparities than their limit (--set maxDisparities, --memory): ${
      clipped.first.slice(0, 5).join(', ')}${clipped.count > 5 ? ', ...' : ''}`]),
    ...dead.first.map(({ taskId, error, attempts }) => `dead: ${taskId} after ${attempts} attempt${attempts === 1 ? '' : 's'}: ${error?.message ?? 'unknown'}`),
    ...(dead.count > dead.first.length ? [`dead: ${dead.count - dead.first.length} more`] : []),
  ];
}
