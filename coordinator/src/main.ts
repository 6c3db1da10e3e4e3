// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { mendOf } from './message-of.js';

/** Adds a command to the program. `signal` aborts on SIGINT and SIGTERM. */
type Register = (program: Command, signal: AbortSignal) => void;

/** The commands by heading, in the order of --help. What one needs is loaded where it is called: all of them are half a second. */
const commands: Readonly<Record<string, Readonly<Record<string, () => Promise<Register>>>>> = {
  'On this machine:': {
    run: async () => (await import('./commands/run.js')).registerRun,
    plan: async () => (await import('./commands/plan.js')).registerPlan,
    info: async () => (await import('./commands/info.js')).registerInfo,
    compare: async () => (await import('./commands/compare.js')).registerCompare,
  },
  'On a cluster:': {
    coordinator: async () => {
      const { registerCoordinator } = await import('./commands/coordinator.js');
      return (program, signal) => { registerCoordinator(program, signal, packageVersion()); };
    },
    submit: async () => (await import('./commands/submit.js')).registerSubmit,
    resume: async () => (await import('./commands/resume.js')).registerResume,
    cancel: async () => (await import('./commands/cancel.js')).registerCancel,
    replay: async () => (await import('./commands/replay.js')).registerReplay,
    clean: async () => (await import('./commands/clean.js')).registerClean,
  },
  'What goes on in a cluster:': {
    scenes: async () => (await import('./commands/scenes.js')).registerScenes,
    status: async () => (await import('./commands/status.js')).registerStatus,
    watch: async () => (await import('./commands/watch.js')).registerWatch,
    tiles: async () => (await import('./commands/tiles.js')).registerTiles,
    tile: async () => (await import('./commands/tile.js')).registerTile,
    agents: async () => (await import('./commands/agents.js')).registerAgents,
  },
};

/** Errors of input that was refused before anything started: bad usage. */
const usageCodes = ['bad-input', 'bad-rpc', 'raster'];

/** Where none of them is called, all are loaded: for --help, and to say which one may be meant. */
const isCommand = (word: string | undefined): boolean => Object.values(commands).some((group) => word !== undefined && Object.hasOwn(group, word));

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
    .option('--verbose', 'show where in the code an error came from')
    .showHelpAfterError('(altiplano COMMAND --help shows what it takes)')
    .exitOverride()
    .addHelpText('after', `
Examples:
  altiplano info left.tif                          what Altiplano understands of an image
  altiplano plan left.tif right.tif                what a run would do
  altiplano run left.tif right.tif --out scene     makes scene/dsm.tif and its companion layers
  altiplano compare scene/dsm.tif lidar.tif        how good the DSM is
  altiplano agent --store s3://scenes --nats URL   a program that runs a cluster's tasks (see altiplano agent --help)`);
  const called = argv.slice(2).find((word) => !word.startsWith('-'));
  for (const [heading, group] of Object.entries(commands)) {
    program.commandsGroup(heading);
    for (const [name, load] of Object.entries(group)) if (name === called || !isCommand(called)) (await load())(program, interrupted.signal);
  }
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
