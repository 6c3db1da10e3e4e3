// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ServiceUnavailableError, type SceneStatus } from '@altiplano/protocol';
import { type NatsAccess, type ObjectStore, type TaskQueue, openNatsQueue, openWritableStore } from '@altiplano/protocol/io';
import type { CoordinatorLog } from './coordinator-log.js';
import { fencedStore } from './fenced-store.js';
import { type HeldLease, claimLease } from './lease.js';
import type { LeaseTimes } from './lease-rules.js';
import { messageOf } from './message-of.js';
import { serveScenes } from './serve-scenes.js';
import { softwareId } from './software.js';
import type { WorkThread } from './work-thread.js';

export interface CoordinatorConfig {
  readonly bus: NatsAccess;
  readonly store: string;
  /** This coordinator's name in lease, status and logs. */
  readonly id: string;
  /** Scenes run at once. */
  readonly scenes: number;
  /** Local folder for rasters in the making; what is in it is nobody else's. */
  readonly workDir: string;
  readonly metricsPort: number | null;
  readonly leaseTimes: LeaseTimes;
  /** How long a task stays with an agent that gives no sign of life. */
  readonly ackWaitMs: number;
  /** See RunOptions. */
  readonly reconcileMs: number;
}

export interface CoordinatorPorts {
  readonly openWork: () => WorkThread;
  readonly log: CoordinatorLog;
  readonly version: string;
}

/**
 * Coordinates until the signal aborts: waits for the lease, works on scenes while it has it, and stands by again where it lost it.
 * On abort the lease is released, so that a standby takes over at once; scenes are left as they are in the store.
 */
export async function coordinate(config: CoordinatorConfig, ports: CoordinatorPorts, signal: AbortSignal): Promise<void> {
  const { log } = ports;
  await mkdir(config.workDir, { recursive: true });
  const store = await openWritableStore(config.store);
  let queue: TaskQueue | null = null;
  let metrics: { close(): void } | null = null;
  let leading: HeldLease | null = null;
  const statuses = new Map<string, SceneStatus>();
  try {
    const lost = new AbortController();
    const stop = AbortSignal.any([signal, lost.signal]);
    const bus = await openBus(config, log, (error) => { lost.abort(error); }, stop);
    queue = bus;
    metrics = config.metricsPort === null ? null : await (await import('./coordinator-metrics.js')).openCoordinatorMetrics(config.metricsPort, {
      isLeading: () => leading !== null, statuses: () => statuses.values(), depth: () => bus.depth(),
    });
    log('coordinator:started', { bus: config.bus.servers, store: store.url, scenes: config.scenes, version: ports.version });
    while (!stop.aborted) {
      const lease = await claimLease({
        store, name: config.id, times: config.leaseTimes,
        onProblem: (error) => { log('lease:problem', { error }); },
        onStandby: (epoch) => { log('coordinator:standby', { epoch }); },
      }, stop);
      leading = lease;
      log('coordinator:leading', { epoch: lease.epoch });
      const reason = await lead(config, ports, { store, queue: bus, lease, statuses }, stop);
      leading = null;
      statuses.clear();
      if (stop.aborted) log('coordinator:stopping', { reason: messageOf(stop.reason) });
      else log('lease:lost', { epoch: lease.epoch, error: messageOf(reason) });
      await released(lease, log);
    }
    if (!signal.aborted) throw lost.signal.reason;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    metrics?.close();
    await queue?.close();
    await store.close();
  }
  log('coordinator:stopped', {});
}

interface Reign {
  readonly store: ObjectStore;
  readonly queue: TaskQueue;
  readonly lease: HeldLease;
  readonly statuses: Map<string, SceneStatus>;
}

/** Works on scenes as long as the lease lasts. Resolves to why it ended. */
async function lead(config: CoordinatorConfig, { openWork, log }: CoordinatorPorts, { store, queue, lease, statuses }: Reign, stop: AbortSignal): Promise<unknown> {
  const over = AbortSignal.any([stop, lease.signal]);
  // Whatever is still being done for scenes, the next coordinator needn't wait for it.
  stop.addEventListener('abort', () => { void released(lease, log); }, { signal: lease.signal });
  try {
    await queue.ensure(over).catch((error: unknown) => { log('bus:problem', { error: messageOf(error) }); });
    return await serveScenes({
      store: fencedStore(store, lease), queue, openWork, epoch: lease.epoch, name: config.id, software: softwareId(), workDir: config.workDir, reconcileMs: config.reconcileMs,
      onStatus(status) {
        const before = statuses.get(status.sceneId);
        statuses.set(status.sceneId, status);
        const { sceneId, order, phase, level } = status;
        if (before?.phase !== phase || before.level !== level) log('scene:phase', { sceneId, order, phase, ...(level !== null && { factor: level }) });
      },
      onMerged: (sceneId, counts) => { log('scene:merged', { sceneId, ...counts }); },
      onWarning: (sceneId, message) => { log('scene:warning', { sceneId, message }); },
      onProblem: (error) => { log('store:problem', { error }); },
      onScene(what, sceneId, { order, phase, reason }) {
        if (what === 'started') log('scene:started', { sceneId, order });
        else if (what === 'ended') {
          const status = statuses.get(sceneId);
          log('scene:ended', { sceneId, order, phase: phase ?? 'failed', ...(status && { tiles: status.tiles, deadTasks: status.deadTasks }), ...(reason !== undefined && { reason }) });
        } else log(`scene:${what}`, { sceneId, order, reason: reason ?? '' });
      },
    }, { scenes: config.scenes }, over);
  } catch (error) {
    return error;
  }
}

/** A store that is away must not keep a coordinator from ending; then a standby waits a few seconds longer. */
const releaseMs = 3_000;

async function released(lease: HeldLease, log: CoordinatorLog): Promise<void> {
  const released = lease.release().catch((error: unknown) => { log('lease:problem', { error: messageOf(error) }); });
  await Promise.race([released, delay(releaseMs, undefined, { ref: false })]);
}

/** A bus that is away is waited for; one that refuses us is an error. */
async function openBus({ bus, id, ackWaitMs }: CoordinatorConfig, log: CoordinatorLog, onLost: (error: Error) => void, signal: AbortSignal): Promise<TaskQueue> {
  for (;;) {
    try {
      return await openNatsQueue({
        ...bus, role: 'coordinator', name: id, ackWaitMs, signal, onLost, onProblem: (problem) => { log('bus:problem', { error: problem.message }); },
      });
    } catch (error) {
      if (signal.aborted || !(error instanceof ServiceUnavailableError)) throw error;
      log('bus:problem', { error: `${error.message}; trying again` });
    }
  }
}
