// SPDX-License-Identifier: Apache-2.0
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type BusFlags, type LogLevel, type StoreFlags, ackWaitOption, busAccess, logLevels, seconds } from '@altiplano/protocol/config';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { wholeNumber } from '../scene-options.js';
import { addClusterOptions } from './cluster-options.js';

interface CoordinatorFlags extends BusFlags, StoreFlags {
  readonly scenes: number;
  readonly id: string;
  readonly workDir?: string;
  readonly logLevel: LogLevel;
  readonly logFile?: string;
  readonly metricsPort?: number;
  readonly lease: number;
  readonly ackWait: number;
  readonly reconcile: number;
}

/** Adds `altiplano coordinator` to the program. `signal` aborts on SIGINT and SIGTERM. */
export function registerCoordinator(program: Command, signal: AbortSignal, version: string): void {
  addClusterOptions(program.command('coordinator'))
    .description("a program that runs a cluster's scenes: plans go in by submit, agents do the tiles, products go into the store")
    .addOption(new Option('--scenes <n>', 'scenes run at once').env('ALTIPLANO_SCENES').default(2).argParser(wholeNumber))
    .addOption(new Option('--id <name>', "this coordinator's name in lease, status and logs").env('ALTIPLANO_COORDINATOR_ID').default(`${hostname()}-${process.pid}`, '<host>-<pid>'))
    .addOption(new Option('--work-dir <dir>', 'folder for rasters in the making, as large as the scenes that run (default: a new one for temporary files)').env('ALTIPLANO_WORK_DIR'))
    .addOption(new Option('--log-level <level>', 'least level to log').env('ALTIPLANO_LOG_LEVEL').choices(logLevels).default('info'))
    .addOption(new Option('--log-file <path>', 'log there instead of to standard error').env('ALTIPLANO_LOG_FILE'))
    .addOption(new Option('--metrics-port <port>', 'serve Prometheus metrics at this port').env('ALTIPLANO_METRICS_PORT').argParser(port))
    .addOption(new Option('--lease <seconds>', 'without a sign of life for so long a standby takes over; the same for all coordinators')
      .env('ALTIPLANO_LEASE').default(6).argParser(seconds(1, 600)))
    .addOption(ackWaitOption())
    .addOption(new Option('--reconcile <seconds>', 'without progress of a scene for so long the ledger is read, and what it lacks published again')
      .env('ALTIPLANO_RECONCILE').default(10).argParser(seconds(0.1, 3600)))
    .addHelpText('after', `
Examples:
  altiplano coordinator --nats nats://bus:4222 --store s3://scenes/prod
  altiplano coordinator --nats nats://bus:4222 --store s3://scenes/prod --id standby    a second one waits, and takes over within 10 s

SIGTERM stops it at once: a standby takes over, and scenes go on where the store says they are. A second signal doesn't wait for anything.
Exit codes: 0 stopped, 1 failed, 2 bad usage or input.`)
    .action(async (options: CoordinatorFlags) => {
      const { coordinate } = await import('../coordinate.js');
      const { openCoordinatorLog } = await import('../coordinator-log.js');
      const { sceneWork } = await import('../coordinator-work.js');
      const { leaseTimesOf } = await import('../lease-rules.js');
      const { openWorkThread } = await import('../work-thread.js');
      const { mkdtemp, rm } = await import('node:fs/promises');
      const { id, scenes, store, logLevel, logFile, metricsPort, lease, ackWait, reconcile } = options;
      const log = openCoordinatorLog({ level: logLevel, file: logFile ?? null, name: id });
      const bus = await busAccess(options, process.env, (message) => { log('config:warning', { message }); });
      const workDir = options.workDir === undefined ? await mkdtemp(join(tmpdir(), 'altiplano-coordinator-')) : resolve(options.workDir);
      try {
        await coordinate({
          bus, store, id, scenes, workDir, metricsPort: metricsPort ?? null,
          leaseTimes: leaseTimesOf(lease * 1000), ackWaitMs: ackWait * 1000, reconcileMs: reconcile * 1000,
        }, { openWork: () => openWorkThread(sceneWork), log, version }, signal);
      } catch (error) {
        log('coordinator:failed', { error: error instanceof Error ? error.message : String(error) });
        throw error;
      } finally {
        if (options.workDir === undefined) await rm(workDir, { recursive: true, force: true });
      }
    });
}

function port(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < 0 || value > 65_535) throw new InvalidArgumentError('Expected a port, 0 to 65535.');
  return value;
}
