// SPDX-License-Identifier: Apache-2.0
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type BusFlags, type LogLevel, type StoreFlags, ackWaitOption, busAccess, logLevels, seconds } from '@altiplano/protocol/config';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { messageOf } from '../message-of.js';
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
    .addOption(new Option('--scenes <n>', 'how many scenes to run at once').env('ALTIPLANO_SCENES').default(2).argParser(wholeNumber))
    .addOption(new Option('--id <name>', "this coordinator's name in lease, status and logs").env('ALTIPLANO_COORDINATOR_ID').default(`${hostname()}-${process.pid}`, '<host>-<pid>'))
    .addOption(new Option('--work-dir <dir>', 'folder for unfinished rasters, with room for the products of all running scenes (default: a new temporary folder)').env('ALTIPLANO_WORK_DIR'))
    .addOption(new Option('--log-level <level>', 'lowest level to log').env('ALTIPLANO_LOG_LEVEL').choices(logLevels).default('info'))
    .addOption(new Option('--log-file <path>', 'log to this file instead of standard error').env('ALTIPLANO_LOG_FILE'))
    .addOption(new Option('--metrics-port <port>', 'serve Prometheus metrics on this port').env('ALTIPLANO_METRICS_PORT').argParser(port))
    .addOption(new Option('--lease <seconds>', 'how long a standby sees no sign of life before it takes over; give all coordinators the same')
      .env('ALTIPLANO_LEASE').default(6).argParser(seconds(1, 600)))
    .addOption(ackWaitOption())
    .addOption(new Option('--reconcile <seconds>', 'how long a scene makes no progress before the ledger is read and missing tasks are published again')
      .env('ALTIPLANO_RECONCILE').default(10).argParser(seconds(0.1, 3600)))
    .addHelpText('after', `
Examples:
  altiplano coordinator --nats nats://bus:4222 --store s3://scenes/prod
  altiplano coordinator --nats nats://bus:4222 --store s3://scenes/prod --id standby    a second one stands by and takes over within 10 s

SIGTERM stops it at once: a standby takes over, and scenes continue from what is in the store. A second signal stops it without any waiting.
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
        log('coordinator:failed', { error: messageOf(error) });
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
