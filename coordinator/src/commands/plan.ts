// SPDX-License-Identifier: Apache-2.0
import type { ScenePlan } from '@altiplano/protocol';
import type { Command } from 'commander';
import { duration } from '../duration.js';
import { type LevelEstimate, estimateScene, startSeconds } from '../estimate.js';
import { type SceneOptions, addSceneOptions, wholeNumber } from '../scene-options.js';
import { referenceMpx } from '../scene-result.js';

/** Adds `altiplano plan IMAGE IMAGE...` to the program. */
export function registerPlan(program: Command): void {
  addSceneOptions(program.command('plan'))
    // Accepted so that a run's command line can be planned by changing one word.
    .option('--out <dir>', 'as in run; nothing is written')
    .option('--store <url>', 'as in run')
    .option('--agents <n>', 'as in run; for the time estimate', wholeNumber)
    .option('--keep-intermediates', 'as in run')
    .option('--fresh', 'as in run')
    .option('--json', 'print the plan and its estimates as one line of JSON')
    .addHelpText('after', `
Example:
  altiplano plan left.tif right.tif --height-range 0,250

Exit codes: 0 a run could start, 1 failed, 2 bad usage or input.`)
    .action(async (images: string[], options: SceneOptions & { agents?: number }) => {
      const { makePlan } = await import('../make-plan.js');
      const { kernelPorts } = await import('../plan-ports.js');
      const { availableParallelism } = await import('node:os');
      const plan = await makePlan(images, options);
      const estimates = estimateScene(plan, kernelPorts);
      const agents = options.agents ?? availableParallelism();
      process.stdout.write(options.json ? `${JSON.stringify({ plan, estimates, agents })}\n` : planText(plan, estimates, agents));
    });
}

/** The plan for people. */
function planText(plan: ScenePlan, estimates: readonly LevelEstimate[], agents: number): string {
  const metres = (value: number): string => value.toFixed(0);
  const full = plan.levels.at(-1);
  const coreSeconds = estimates.reduce((sum, level) => sum + level.coreSeconds, 0);
  const largest = Math.max(...estimates.map(({ memoryMb }) => memoryMb));
  const rows: (readonly [string, string])[] = [
    ['scene', plan.sceneId],
    ...plan.images.map((image): readonly [string, string] => [`image ${image.index}`,
      `${image.source} (${image.width} x ${image.height} px of ${image.gsdM.toFixed(2)} m; RPC: ${image.rpcSource === image.source ? 'in the file' : image.rpcSource})`]),
    ...plan.pairs.map((pair): readonly [string, string] => [`pair ${pair.id}`,
      `base-to-height ${pair.baseToHeight.toFixed(3)}, ${((plan.images[pair.ref]?.gsdM ?? 0) / pair.baseToHeight).toFixed(2)} m of height per pixel; overlap ${(pair.overlapAreaM2 / 1e6).toFixed(3)} km2`]),
    ['CRS', plan.crs],
    ['grid', `${plan.request.resolution} m cells, tiles of ${full?.tileCells ?? 0} cells with a halo of ${full?.haloCells ?? 0}`],
    ['heights', `${metres(plan.heightDomain[0])} to ${metres(plan.heightDomain[1])} m above the ellipsoid (${heightSource(plan)})`],
    ['align', `${plan.alignWindows.length} windows`],
    ...estimates.map((level): readonly [string, string] => [`level 1/${level.factor}`,
      `${level.tasks} tasks of ${level.rectPx} px and ${level.disparities} disparities, ${metres(level.memoryMb)} MB each, ${coreTime(level.coreSeconds)} core time, overhead ${level.overhead.toFixed(1)}`]),
    ['memory', `${metres(largest)} MB per task at most (budget ${plan.request.memoryBudgetMb} MB), ${metres(largest * agents)} MB for ${agents} agents`],
    ['time', `about ${duration(startSeconds + coreSeconds / agents)} with ${agents} agents for ${referenceMpx(plan).toFixed(1)} Mpx of reference image`],
    ...plan.warnings.map((warning): readonly [string, string] => ['note', warning]),
  ];
  return `${rows.map(([name, value]) => `${name.padEnd(12)}${value}`).join('\n')}\n`;
}

const coreTime = (seconds: number): string => (seconds < 60 ? `${seconds.toFixed(1)} s` : duration(seconds));

function heightSource({ request }: ScenePlan): string {
  return request.heightRange ? 'as asked' : request.dem === undefined ? 'from the RPCs' : `from ${request.dem}`;
}
