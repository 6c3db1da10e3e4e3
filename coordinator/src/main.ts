// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { registerAgents } from './commands/agents.js';
import { registerCancel } from './commands/cancel.js';
import { registerClean } from './commands/clean.js';
import { registerCompare } from './commands/compare.js';
import { registerCoordinator } from './commands/coordinator.js';
import { registerInfo } from './commands/info.js';
import { registerPlan } from './commands/plan.js';
import { registerReplay } from './commands/replay.js';
import { registerResume } from './commands/resume.js';
import { registerRun } from './commands/run.js';
import { registerScenes } from './commands/scenes.js';
import { registerStatus } from './commands/status.js';
import { registerSubmit } from './commands/submit.js';
import { registerTile } from './commands/tile.js';
import { registerTiles } from './commands/tiles.js';
import { registerWatch } from './commands/watch.js';
import { mendOf } from './message-of.js';

/** Errors of input that was refused before anything started: bad usage. */
const usageCodes = ['bad-input', 'bad-rpc', 'raster'];

/** The `altiplano` command. Resolves to the exit code. */
async function main(argv: readonly string[]): Promise<number> {
  const interrupted = new AbortController();
  const onSignal = (): void => {
    // A second signal doesn't wait for anything.
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort(new Error('interrupted'));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // A reader that has seen enough (`altiplano plan ... | head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });

  const program = new Command('altiplano')
    .description('Digital surface models from satellite stereo images with RPC camera models.')
    .version(packageVersion())
    .option('--verbose', 'show where an error came from')
    .showHelpAfterError('(altiplano COMMAND --help shows what it takes)')
    .exitOverride()
    .addHelpText('after', `
Examples:
  altiplano info left.tif                          what Altiplano understands of an image
  altiplano plan left.tif right.tif                what a run would do
  altiplano run left.tif right.tif --out scene     scene/dsm.tif and its companions
  altiplano compare scene/dsm.tif lidar.tif        how good it is
  altiplano agent --store s3://scenes --nats URL   a program that runs a cluster's tasks (see altiplano agent --help)`);
  program.commandsGroup('On this machine:');
  registerRun(program, interrupted.signal);
  registerPlan(program);
  registerInfo(program);
  registerCompare(program);
  program.commandsGroup('On a cluster:');
  registerCoordinator(program, interrupted.signal, packageVersion());
  registerSubmit(program, interrupted.signal);
  registerResume(program, interrupted.signal);
  registerCancel(program, interrupted.signal);
  registerReplay(program, interrupted.signal);
  registerClean(program);
  program.commandsGroup('What goes on in a cluster:');
  registerScenes(program);
  registerStatus(program);
  registerWatch(program, interrupted.signal);
  registerTiles(program);
  registerTile(program, interrupted.signal);
  registerAgents(program);
  for (const command of program.commands) command.exitOverride();
  try {
    await program.parseAsync([...argv]);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (interrupted.signal.aborted) {
      process.stderr.write('altiplano: interrupted; run again with the same arguments to go on\n');
      return 130;
    }
    process.stderr.write(`altiplano: ${describe(error, program.opts<{ verbose?: true }>().verbose === true)}\n`);
    return usageCodes.includes(codeOf(error)) ? 2 : 1;
  }
}

function describe(error: unknown, isVerbose: boolean): string {
  if (!(error instanceof Error)) return String(error);
  return isVerbose ? `${error.stack ?? error.message}${error.cause === undefined ? '' : `\ncaused by: ${describe(error.cause, true)}`}` : `${error.message}${usageCodes.includes(codeOf(error)) ? '' : mendOf(error)}`;
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

function packageVersion(): string {
  return /"version": "([^"]+)"/.exec(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))?.[1] ?? 'unknown';
}

process.exitCode = await main(process.argv);
