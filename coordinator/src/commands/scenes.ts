// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { SceneSummary } from '../views/read-cluster.js';
import { phaseText } from '../views/scene-phase.js';
import { age, textTable } from '../views/text-table.js';
import { type ClusterFlags, addClusterOptions, withStore } from './cluster-options.js';

/** Adds `altiplano scenes` to the program. */
export function registerScenes(program: Command): void {
  addClusterOptions(program.command('scenes'))
    .option('--json', 'print a line of JSON per scene')
    .addHelpText('after', `
Example:
  altiplano scenes --store s3://scenes/prod

Reads the store alone, so it works while nothing runs.`)
    .action(async (options: ClusterFlags & { readonly json?: true }) => {
      const { readScenes } = await import('../views/read-cluster.js');
      const scenes = await withStore(options, readScenes);
      if (options.json) for (const scene of scenes) process.stdout.write(`${JSON.stringify(scene)}\n`);
      else if (scenes.length === 0) process.stderr.write(`no scenes in ${options.store}; altiplano submit makes one\n`);
      else process.stdout.write(textTable(['SCENE', 'STATE', 'PROGRESS', 'TILES', 'DEAD', 'AGE', 'UPDATED'], scenes.map((scene) => rowOf(scene, Date.now()))));
    });
}

function rowOf({ sceneId, state, status, entry }: SceneSummary, now: number): string[] {
  const since = (at: string): string => age((now - Date.parse(at)) / 1000);
  const { tiles } = status ?? {};
  return [
    sceneId, state, phaseText(state, status), tiles ? `${tiles.done + tiles.empty}/${tiles.planned}` : '-', tiles ? String(tiles.dead) : '-',
    since(entry.submittedAt), status === null ? '-' : since(status.updatedAt),
  ];
}
