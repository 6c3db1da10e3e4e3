// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TaskOutcome, encodeMessage, taskOutcomeSchema } from '@altiplano/protocol';
import { type StoreFlags, addConfigOption, addStoreOption, secretsHelp } from '@altiplano/protocol/config';
import { type Command, Option } from 'commander';
import { agentCommand } from '../agent-processes.js';
import { wholeNumber } from '../scene-options.js';
import { settingsOption } from '../stereo-settings.js';
import { withStore } from './cluster-options.js';

interface TileRunOptions extends StoreFlags {
  readonly scene: string;
  readonly tile: string;
  readonly pair: string;
  readonly level: number;
  readonly dump?: string;
  readonly set: readonly string[];
  readonly json?: true;
}

/** Adds `altiplano tile run --scene S --tile T --pair P` to the program. `signal` aborts on SIGINT and SIGTERM. */
export function registerTile(program: Command, signal: AbortSignal): void {
  const tile = program.command('tile');
  addConfigOption(addStoreOption(tile.command('run')))
    .exitOverride()
    .showHelpAfterError('(altiplano tile run --help explains it)')
    .description('run one tile on this machine, without the bus, and write nothing to the store')
    .requiredOption('--scene <id>', 'the scene; altiplano scenes lists them')
    .requiredOption('--tile <id>', 'the tile, e.g. x1021y-33; altiplano tiles lists them')
    .requiredOption('--pair <id>', 'the pair, e.g. 0_1')
    .addOption(new Option('--level <factor>', 'how much the images are reduced: 1 is full resolution; altiplano tiles lists the others there are').argParser(wholeNumber).default(1))
    .option('--dump <dir>', 'write every intermediate to this folder, as GeoTIFF and PNG: windows, rectified, disparity, confidence, validity, points, partial')
    .addOption(settingsOption("parameter that replaces the scene's", "the scene's"))
    .option('--json', "print the outcome as the ledger would keep it, as one line of JSON")
    .addHelpText('after', `${secretsHelp}

Examples:
  altiplano tile run --store s3://scenes --scene town --tile x1021y-33 --pair 0_1 --dump look
  altiplano tile run --store ./store --scene town --tile x63y-3 --pair 0_1 --level 16 --set p2=60

The parameters of --set are those of altiplano run; its --help explains them.
The task is rebuilt as its coordinator made it, from the plan, pointing, height prior and replays in the store; then --set is applied. It
runs in a process of its own: if it crashes, you are told the signal.

Exit codes: 0 done or empty, 1 it would be dead, 2 bad usage or input, 130 interrupted.`)
    .action((options: TileRunOptions) => withStore(options, async (store) => {
      const { configureGdal } = await import('@altiplano/kernels/raster');
      const { readPlan } = await import('../views/read-cluster.js');
      const { rebuildTask } = await import('../rebuild-task.js');
      const { replayParams } = await import('../resolve-replay.js');
      const { orderedTask } = await import('../task-orders.js');
      configureGdal(await store.gdalOptions());
      const plan = await readPlan(store, options.scene);
      const set = replayParams(plan, options.set);
      const { task, isKnown } = await rebuildTask(store, plan, { tileId: options.tile, pairId: options.pair, factor: options.level });
      if (!isKnown) process.stderr.write(`note: ${task.taskId} hasn't been tried yet as it is made here\n`);
      const changed = options.set.length === 0 ? task : orderedTask(task, new Map([[task.taskId, { round: task.round, set }]]));
      const dump = options.dump === undefined ? [] : ['--dump', options.dump];
      const { outcome, code, end } = await runInAgent(['run-task', '--store', store.url, ...dump], encodeMessage(changed), signal);
      if (outcome === null && code !== null && end === null) process.exitCode = code === 0 ? 1 : code;
      else if (outcome === null) {
        const crashed = { taskId: task.taskId, state: 'dead', error: { class: 'crash', code: 'crashed', ...(end !== null && { signal: end }) } };
        process.stdout.write(options.json ? `${JSON.stringify(crashed)}\n` : `${task.taskId}: dead, crashed by ${end ?? 'an unknown end'}\n`);
        process.exitCode = 1;
      } else {
        process.stdout.write(options.json ? `${JSON.stringify(outcome)}\n` : outcomeText(outcome, options.dump));
        process.exitCode = outcome.state === 'dead' ? 1 : 0;
      }
    }));
}

/** The agent program beside us runs the task: programs meet in messages, here on standard input. */
async function runInAgent(
  words: readonly string[], message: Uint8Array, signal: AbortSignal,
): Promise<{ readonly outcome: TaskOutcome | null; readonly code: number | null; readonly end: string | null }> {
  // Made and removed here, as the program may crash.
  const scratch = await mkdtemp(join(tmpdir(), 'altiplano-tile-'));
  try {
    const [program, ...args] = [...agentCommand(), ...words, '--scratch', scratch];
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], signal, killSignal: 'SIGKILL' });
    let said = '';
    child.stdout.on('data', (data) => { said += String(data); });
    child.stdin.on('error', () => { /* it ended before it read, which its exit tells */ });
    child.stdin.end(message);
    const [code, end]: unknown[] = await once(child, 'close');
    const outcome = taskOutcomeSchema.safeParse(said === '' ? null : JSON.parse(said));
    return { outcome: outcome.success ? outcome.data : null, code: typeof code === 'number' ? code : null, end: typeof end === 'string' ? end : null };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function outcomeText({ taskId, state, reason, error, stages, metrics, wallSeconds, cpuSeconds }: TaskOutcome, dump: string | undefined): string {
  const figures = (of: Readonly<Record<string, number>>, digits: number): string[] =>
    Object.entries(of).map(([name, value]) => `  ${name.padEnd(20)} ${Number.isInteger(value) ? value : value.toFixed(digits)}`);
  const why = [reason, error && `${error.class ?? ''} ${error.code}${error.stage === undefined ? '' : ` in ${error.stage}`}: ${error.message}`].filter(Boolean).join(' ');
  return [
    `${taskId}: ${state}${why === '' ? '' : ` (${why})`}, ${wallSeconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} CPU s`,
    ...(Object.keys(stages).length === 0 ? [] : ['CPU seconds by stage:', ...figures(stages, 3)]),
    ...(Object.keys(metrics).length === 0 ? [] : ['figures:', ...figures(metrics, 4)]),
    ...(dump === undefined ? [] : [`intermediates: ${dump}`]),
  ].join('\n').concat('\n');
}
