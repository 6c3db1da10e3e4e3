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
Examples:
  altiplano scenes --store s3://scenes/prod
  altiplano scenes --store scene/.altiplano/store        of altiplano run --out scene

Reads the store alone, so it works while nothing runs. Scenes of altiplano run are listed where nothing was submitted.`)
    .action((options: ClusterFlags & { readonly json?: true }) => withStore(options, async (store) => {
      const { readScenes } = await import('../views/read-cluster.js');
      const { localRow, readLocalRuns } = await import('../views/local-run.js');
      const scenes = await readScenes(store);
      const local = scenes.length > 0 ? [] : await readLocalRuns(store);
      if (options.json) for (const scene of [...scenes, ...local]) process.stdout.write(`${JSON.stringify(scene)}\n`);
      else if (scenes.length + local.length === 0) process.stderr.write(`no scenes in ${options.store}; altiplano run and altiplano submit make some\n`);
      else process.stdout.write(textTable(['SCENE', 'STATE', 'PROGRESS', 'TILES', 'DEAD', 'AGE', 'UPDATED'], [...scenes.map((scene) => rowOf(scene, Date.now())), ...local.map(localRow)]));
    }));
}

function rowOf({ sceneId, state, status, entry }: SceneSummary, now: number): string[] {
  const since = (at: string): string => age((now - Date.parse(at)) / 1000);
  const { tiles } = status ?? {};
  return [
    sceneId, state, phaseText(state, status), tiles ? `${tiles.done + tiles.empty}/${tiles.planned}` : '-', tiles ? String(tiles.dead) : '-',
    since(entry.submittedAt), status === null ? '-' : since(status.updatedAt),
  ];
}
