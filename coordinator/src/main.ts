// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { mendOf } from './message-of.js';

/** Adds a command to the program. `signal` aborts on SIGINT and SIGTERM. */
type Register = (program: Command, signal: AbortSignal) => void;

interface Listed {
  /** What --help says of it. */
  readonly does: string;
  /** It is loaded where it is called: all of them are half a second. Null: the launcher starts it. */
  readonly load: (() => Promise<Register>) | null;
}

/** The commands by heading, in the order of --help. */
const commands: Readonly<Record<string, Readonly<Record<string, Listed>>>> = {
  'On this machine:': {
    run: {
      does: 'make a DSM from overlapping images, on this machine',
      load: async () => (await import('./commands/run.js')).registerRun,
    },
    plan: {
      does: 'show what `run` with the same arguments would do, and run nothing',
      load: async () => (await import('./commands/plan.js')).registerPlan,
    },
    info: {
      does: 'show what Altiplano understands of an image: size, type, no-data, RPC, footprint, ground sample distance',
      load: async () => (await import('./commands/info.js')).registerInfo,
    },
    compare: {
      does: 'compare a DSM with a reference: statistics and a map of the height differences, before and after the best planimetric shift',
      load: async () => (await import('./commands/compare.js')).registerCompare,
    },
  },
  'On a cluster:': {
    coordinator: {
      does: 'run the scenes of a cluster: takes what submit ordered, publishes tasks for agents, puts the products into the store',
      load: async () => {
        const { registerCoordinator } = await import('./commands/coordinator.js');
        return (program, signal) => { registerCoordinator(program, signal, packageVersion()); };
      },
    },
    agent: { does: 'pull the tasks of a cluster and run them; any number of them, on machines that may vanish', load: null },
    submit: {
      does: 'give a scene to a cluster: plan it on this machine, and let the coordinator run it',
      load: async () => (await import('./commands/submit.js')).registerSubmit,
    },
    resume: {
      does: 'continue a scene that failed, was cancelled or is partial, from the store alone',
      load: async () => (await import('./commands/resume.js')).registerResume,
    },
    cancel: {
      does: 'stop a scene: its waiting tasks leave the bus, tasks in hand may end, and results stay in the store',
      load: async () => (await import('./commands/cancel.js')).registerCancel,
    },
    replay: {
      does: "run some of a scene's tasks again, with other parameters if you like, and merge what that changes",
      load: async () => (await import('./commands/replay.js')).registerReplay,
    },
    clean: {
      does: 'delete a scene from the store, products included; the images it was made from are not touched',
      load: async () => (await import('./commands/clean.js')).registerClean,
    },
  },
  'What goes on in a cluster:': {
    scenes: {
      does: 'list the scenes of a store: state, progress, dead tiles',
      load: async () => (await import('./commands/scenes.js')).registerScenes,
    },
    status: {
      does: 'show where a scene stands, what is stuck and why',
      load: async () => (await import('./commands/status.js')).registerStatus,
    },
    watch: {
      does: 'follow a scene live, to its end',
      load: async () => (await import('./commands/watch.js')).registerWatch,
    },
    tiles: {
      does: "list a scene's tiles: state, attempts, what went wrong, where the log is",
      load: async () => (await import('./commands/tiles.js')).registerTiles,
    },
    tile: {
      does: 'look at one tile closely',
      load: async () => (await import('./commands/tile.js')).registerTile,
    },
    agents: {
      does: 'list the agents on the bus and the tasks they hold',
      load: async () => (await import('./commands/agents.js')).registerAgents,
    },
  },
};

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
  const words = argv.slice(2).filter((word) => !word.startsWith('-'));
  const called = words[0] === 'help' ? words[1] : words[0];
  for (const stream of [process.stdout, process.stderr]) stream.on('error', (error: NodeJS.ErrnoException) => { onOutputError(error, called); });

  const program = new Command('altiplano')
    .description('Digital surface models from satellite stereo images with RPC camera models.')
    .version(packageVersion())
    .option('--verbose', 'show where in the code an error came from')
    .showHelpAfterError('(altiplano --help lists the commands)')
    .exitOverride()
    .addHelpText('after', `
Examples:
  altiplano info left.tif                          what Altiplano understands of an image
  altiplano plan left.tif right.tif                what a run would do
  altiplano run left.tif right.tif --out scene     makes scene/dsm.tif and its companion layers
  altiplano compare scene/dsm.tif lidar.tif        how good the DSM is`);
  program.configureHelp({ subcommandTerm: (command) => command.name() });
  for (const [heading, group] of Object.entries(commands)) {
    program.commandsGroup(heading);
    for (const [name, { does, load }] of Object.entries(group)) {
      if (name === called && load !== null) (await load())(program, interrupted.signal);
      else program.command(name);
      program.commands.at(-1)?.description(does).exitOverride().showHelpAfterError(`(altiplano ${name} --help explains it)`);
    }
  }
  const isKnown = program.commands.some((command) => command.name() === called);
  try {
    await program.parseAsync(called === undefined ? [...argv] : asCalled(argv, isKnown));
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (interrupted.signal.aborted) {
      process.stderr.write(`altiplano: interrupted${called === 'run' ? '; run again with the same arguments to go on' : ''}\n`);
      return 130;
    }
    process.stderr.write(`altiplano: ${describe(error, program.opts<{ verbose?: true }>().verbose === true)}\n`);
    return usageCodes.includes(codeOf(error)) ? 2 : 1;
  }
}

/** `help tile run` asks what `tile run --help` does; help for what is no command tells that, as calling it does. */
function asCalled(argv: readonly string[], isKnown: boolean): string[] {
  const at = argv.indexOf('help', 2);
  const isHelp = at >= 2 && argv.slice(2, at).every((word) => word.startsWith('-'));
  const words = isHelp ? [...argv.slice(0, at), ...argv.slice(at + 1), '--help'] : [...argv];
  return isKnown ? words : words.filter((word) => word !== '--help' && word !== '-h');
}

/**
 * Whoever read our output has seen enough (`altiplano plan ... | head`). A run goes on without a reader: its products are files. What only shows
 * things is complete; what tells by its exit code how a scene ended ends as if by SIGPIPE, for it hasn't come to that.
 */
function onOutputError(error: NodeJS.ErrnoException, called: string | undefined): void {
  if (error.code !== 'EPIPE') throw error;
  if (called !== 'run') process.exit(called !== undefined && tellsEnd.includes(called) ? 141 : 0);
}

const tellsEnd = ['watch', 'submit', 'resume', 'cancel', 'replay', 'coordinator'];

function describe(error: unknown, isVerbose: boolean): string {
  if (!(error instanceof Error)) return String(error);
  return isVerbose ? `${error.stack ?? error.message}${error.cause === undefined ? '' : `\ncaused by: ${describe(error.cause, true)}`}` : `${error.message}${usageCodes.includes(codeOf(error)) ? '' : mendOf(error)}`;
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

function packageVersion(): string {
  return /"version": "([^"]+)"/.exec(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))?.[1] ?? 'unknown';
}

process.exitCode = await main(process.argv);
