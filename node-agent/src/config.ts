// SPDX-License-Identifier: Apache-2.0
import { hostname } from 'node:os';
import { type TaskKind, taskKinds } from '@altiplano/protocol';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type LogLevel, logLevels } from './log.js';

export interface AgentConfig {
  readonly nats: string;
  readonly natsToken: string | null;
  readonly natsUser: string | null;
  readonly natsPassword: string | null;
  readonly natsCreds: string | null;
  readonly store: string;
  readonly id: string;
  readonly slots: number;
  readonly kinds: readonly TaskKind[];
  readonly logLevel: LogLevel;
  readonly logFile: string | null;
  readonly metricsPort: number | null;
}

const secrets = `
Credentials come by environment only:
  NATS_TOKEN, NATS_USER and NATS_PASSWORD, or NATS_CREDS (path of a .creds file)
  for s3://: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; or AWS_PROFILE and AWS's files; or the machine's role
Where s3:// is: AWS_REGION, AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL (another server than AWS), ALTIPLANO_S3_PATH_STYLE=true|false

One signal (SIGTERM, SIGINT) drains: nothing new is pulled, tasks in hand are finished. A second one hands them back.`;

/**
 * Reads the command line (without node and script) and the environment. Returns the exit code instead where
 * there is nothing to run: 0 after --help, 2 for bad usage (told on standard error).
 */
export function readConfig(argv: readonly string[], env: Readonly<Record<string, string | undefined>>, version: string): AgentConfig | 0 | 2 {
  const command = new Command('altiplano-agent')
    .description('Pulls stereo tasks from NATS, runs them, and puts their results into the store.')
    .version(version)
    .allowExcessArguments(false)
    .exitOverride()
    .addOption(new Option('--nats <url>', 'NATS servers, separated by commas').env('NATS_URL').default('nats://127.0.0.1:4222'))
    .addOption(new Option('--store <url>', 'object store: s3://bucket/prefix or file:///folder').env('ALTIPLANO_STORE').makeOptionMandatory())
    .addOption(new Option('--id <name>', "this agent's name in ledger and logs")
      .env('ALTIPLANO_AGENT_ID').default(`${hostname()}-${process.pid}`, '<host>-<pid>'))
    .addOption(new Option('--slots <n>', 'tasks at once').env('ALTIPLANO_SLOTS').default(1).argParser(count(1, 1024)))
    .addOption(new Option('--kinds <list>', 'kinds of task to pull, the first with work wins')
      .env('ALTIPLANO_KINDS').default(taskKinds, taskKinds.join(',')).argParser(kinds))
    .addOption(new Option('--log-level <level>', 'least level to log').env('ALTIPLANO_LOG_LEVEL').choices(logLevels).default('info'))
    .addOption(new Option('--log-file <path>', 'log there instead of to standard error').env('ALTIPLANO_LOG_FILE').default(null, 'none'))
    .addOption(new Option('--metrics-port <port>', 'serve Prometheus metrics at this port')
      .env('ALTIPLANO_METRICS_PORT').default(null, 'none').argParser(count(1, 65_535)))
    .addHelpText('after', secrets);
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  const options = command.opts<Omit<AgentConfig, 'natsToken' | 'natsUser' | 'natsPassword' | 'natsCreds'>>();
  return {
    ...options,
    natsToken: env['NATS_TOKEN'] ?? null,
    natsUser: env['NATS_USER'] ?? null,
    natsPassword: env['NATS_PASSWORD'] ?? null,
    natsCreds: env['NATS_CREDS'] ?? null,
  };
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
