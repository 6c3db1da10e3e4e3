// SPDX-License-Identifier: Apache-2.0
import { hostname } from 'node:os';
import type { TaskKind } from '@altiplano/protocol';
import {
  type BusFlags, type Environment, type LogLevel, type StoreFlags, addBusOptions, addConfigOption, addStoreOption, ackWaitOption, busAccess, logLevels, secretsHelp,
} from '@altiplano/protocol/config';
import type { NatsAccess } from '@altiplano/protocol/io';
import { AltiplanoError, taskKinds } from '@altiplano/protocol/plain';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';

export interface AgentConfig {
  readonly bus: NatsAccess;
  readonly store: string;
  readonly id: string;
  readonly slots: number;
  readonly kinds: readonly TaskKind[];
  readonly logLevel: LogLevel;
  readonly logFile: string | null;
  readonly metricsPort: number | null;
  /** Seconds a task may take. */
  readonly taskTimeout: number;
  /** Seconds a task stays with an agent that gives no sign of life. */
  readonly ackWait: number;
  /** Seconds from being asked to stop until what is still in hand is handed back. */
  readonly grace: number;
  /** What is unwise and works all the same. */
  readonly warnings: readonly string[];
}

const notes = `${secretsHelp}

A first signal (SIGTERM, SIGINT) drains the agent: it pulls nothing more, finishes the tasks in hand that fit the grace period (it judges by
the latest tasks of the same kind), and hands the others to other agents at once. A second signal hands back all. Neither counts against a task.

Exit codes: 0 after a drain, 1 failed or a task hangs (restart it then, as Kubernetes and altiplano run do), 2 bad usage or input.`;

/**
 * Reads the command line (without node and script), the environment and the configuration file. Resolves to the exit code instead where
 * there is nothing to run: 0 after --help, 2 for bad usage (told on standard error).
 */
export async function readConfig(argv: readonly string[], env: Environment, version: string): Promise<AgentConfig | 0 | 2> {
  const command = addStoreOption(addBusOptions(new Command('altiplano-agent')))
    .description('Pulls stereo tasks from NATS, runs them, and puts their results into the store.')
    .version(version)
    .allowExcessArguments(false)
    .showHelpAfterError('(altiplano-agent --help explains it)')
    .exitOverride()
    .addOption(new Option('--id <name>', "this agent's name in ledger and logs")
      .env('ALTIPLANO_AGENT_ID').default(`${hostname()}-${process.pid}`, '<host>-<pid>').argParser(agentName))
    .addOption(new Option('--slots <n>', 'how many tasks to run at once').env('ALTIPLANO_SLOTS').default(1).argParser(count(1, 1024)))
    .addOption(new Option('--kinds <list>', 'kinds of task to pull, in order of preference')
      .env('ALTIPLANO_KINDS').default(taskKinds, taskKinds.join(',')).argParser(kinds))
    .addOption(new Option('--log-level <level>', 'lowest level to log').env('ALTIPLANO_LOG_LEVEL').choices(logLevels).default('info'))
    .addOption(new Option('--log-file <path>', 'log to this file instead of standard error').env('ALTIPLANO_LOG_FILE').default(null, 'none'))
    .addOption(new Option('--metrics-port <port>', 'serve Prometheus metrics on this port')
      .env('ALTIPLANO_METRICS_PORT').default(null, 'none').argParser(count(1, 65_535)))
    .addOption(new Option('--task-timeout <seconds>', 'how long a task may take before it is tried again in a process of its own; a native call that hangs ends this agent')
      .env('ALTIPLANO_TASK_TIMEOUT').default(1800).argParser(count(1, 604_800)))
    .addOption(new Option('--grace <seconds>', 'how long tasks in hand may continue after a signal to stop')
      .env('ALTIPLANO_GRACE').default(25).argParser(count(0, 86_400)))
    .addOption(ackWaitOption())
    .addHelpText('after', notes);
  addConfigOption(command);
  try {
    command.parse([...argv], { from: 'user' });
    const warnings: string[] = [];
    const options = command.opts<BusFlags & StoreFlags & Omit<AgentConfig, 'bus' | 'warnings'>>();
    const { store, id, slots, kinds: pulled, logLevel, logFile, metricsPort, taskTimeout, ackWait, grace } = options;
    const bus = await busAccess(options, env, (message) => { warnings.push(message); });
    return { bus, store, id, slots, kinds: pulled, logLevel, logFile, metricsPort, taskTimeout, ackWait, grace, warnings };
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof AltiplanoError)) throw error;
    process.stderr.write(`altiplano-agent: ${error.message}\n`);
    return 2;
  }
}

function agentName(text: string): string {
  if (!/^[-\w]+(\.[-\w]+)*$/.test(text)) throw new InvalidArgumentError('Expected letters, digits, - and _, with dots between them.');
  return text;
}

function count(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most) throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
    return value;
  };
}

function kinds(text: string): TaskKind[] {
  const isKind = (name: string): name is TaskKind => taskKinds.some((kind) => kind === name);
  const names = text.split(',').map((name) => name.trim());
  const known = names.filter(isKind);
  if (known.length !== names.length || new Set(known).size !== known.length) throw new InvalidArgumentError(`Expected some of ${taskKinds.join(',')}.`);
  return known;
}
