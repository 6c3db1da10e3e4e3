// SPDX-License-Identifier: Apache-2.0
import { type Command, InvalidArgumentError, Option } from 'commander';
import { age, textTable } from '../views/text-table.js';
import { type RowState, type TileRow, rowStates, tileRows } from '../views/tile-rows.js';
import { type ClusterFlags, addClusterOptions, withStore } from './cluster-options.js';

interface TilesOptions extends ClusterFlags {
  readonly scene?: string;
  readonly state: readonly RowState[];
  readonly limit: number;
  readonly json?: true;
}

/** Adds `altiplano tiles --scene S` to the program. */
export function registerTiles(program: Command): void {
  addClusterOptions(program.command('tiles'))
    .option('--scene <id>', 'the scene; altiplano scenes lists them (default: the only one in the store)')
    .addOption(new Option('--state <list>', `only tiles in these states: ${rowStates.join(', ')}`).argParser(states).default([...rowStates], 'all'))
    .addOption(new Option('--limit <n>', 'largest number of rows; 0 for all').argParser(limit).default(1000))
    .option('--json', 'print a line of JSON per tile, with everything that is known')
    .addHelpText('after', `
Examples:
  altiplano tiles --scene town --state dead               what failed, why, and where
  altiplano tiles --scene town --state retrying,open      what is still to come
  altiplano tiles --scene town --state dead --json | jq -r .message | sort | uniq -c

dead: not tried again until altiplano replay; retrying: failed, and will be tried again; open: waiting, or in an agent's hands.
Tasks without a tile (ingest, align) and those of coarse levels are listed once they have ended or failed.`)
    .action(async (options: TilesOptions) => {
      const { readPlan } = await import('../views/read-cluster.js');
      const { whichScene } = await import('../views/which-scene.js');
      await withStore(options, async (store) => {
        const plan = await readPlan(store, await whichScene(store, options.scene));
        const rows: TileRow[] = [];
        let isCut = false;
        for await (const row of tileRows(store, plan, new Set(options.state))) {
          isCut = options.limit > 0 && rows.length >= options.limit;
          if (isCut) break;
          rows.push(row);
        }
        if (options.json) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
        else if (rows.length === 0) process.stderr.write(`no tile of ${plan.sceneId} is ${options.state.join(' or ')}\n`);
        else process.stdout.write(textTable(headings, rows.map(cellsOf)));
        if (isCut) process.stderr.write(`only the first ${options.limit}; --limit 0 prints all\n`);
      });
    });
}

const headings = ['TILE', 'PAIR', 'LEVEL', 'STATE', 'TRIES', 'CLASS', 'TIME', 'ENDED', 'AGENT', 'LOG', 'WHY'];

function cellsOf(row: TileRow): string[] {
  const text = (value: string | number | null): string => (value === null ? '-' : String(value));
  const why = [row.signal, row.code, row.stage === null ? null : `in ${row.stage}`, row.message].filter((part) => part !== null).join(': ');
  return [
    row.tile ?? row.taskId, text(row.pair), row.level === null ? '-' : row.level === 1 ? '1' : `1/${row.level}`, row.state, String(row.attempts), text(row.class),
    row.seconds === null ? '-' : `${row.seconds.toFixed(1)}s`, row.at === null ? '-' : age((Date.now() - Date.parse(row.at)) / 1000), text(row.agent), text(row.log),
    why === '' ? '-' : why,
  ];
}

function states(text: string): RowState[] {
  return text.split(',').map((name) => {
    const state = rowStates.find((candidate) => candidate === name.trim());
    if (state === undefined) throw new InvalidArgumentError(`Expected some of ${rowStates.join(',')}.`);
    return state;
  });
}

function limit(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('Expected a whole number, 0 for all.');
  return value;
}
