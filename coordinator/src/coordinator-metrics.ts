// SPDX-License-Identifier: Apache-2.0
import { type SceneStatus, taskKinds } from '@altiplano/protocol';
import type { TaskQueue } from '@altiplano/protocol/io';
import { openMetricsServer } from '@altiplano/protocol/metrics';
import { Gauge } from 'prom-client';

/** What the metrics are made of, as of now. */
export interface MetricSources {
  readonly isLeading: () => boolean;
  /** The scenes worked on since this coordinator leads. */
  readonly statuses: () => Iterable<SceneStatus>;
  readonly depth: TaskQueue['depth'];
}

/** Serves the coordinator's Prometheus metrics; each scrape asks anew. Throws InputError where the port is taken. */
export async function openCoordinatorMetrics(port: number, { isLeading, statuses, depth }: MetricSources): Promise<{ close(): void }> {
  const server = await openMetricsServer(port);
  const registers = [server.register];
  const make = (name: string, help: string, labelNames: readonly string[], collect: (gauge: Gauge) => void | Promise<void>): void => {
    const gauge: Gauge = new Gauge({ name, help, labelNames, registers, collect: () => { gauge.reset(); return collect(gauge); } });
  };
  make('altiplano_leader', '1: this coordinator leads, 0: it stands by', [], (gauge) => { gauge.set(isLeading() ? 1 : 0); });
  make('altiplano_scenes', 'Scenes worked on since this coordinator leads', ['phase'], (gauge) => { for (const { phase } of statuses()) gauge.inc({ phase }); });
  make('altiplano_scene_tasks', "Tasks of the running scenes' phases", ['state'], (gauge) => {
    for (const { tasks: { total, published, done, empty, dead } } of statuses()) {
      const ended = done + empty + dead;
      for (const [state, count] of Object.entries({ planned: total - published, published: published - ended, done, empty, dead })) gauge.inc({ state }, count);
    }
  });
  make('altiplano_queue_depth', 'Tasks waiting on the bus', ['kind'], async (gauge) => {
    const waiting = await depth().catch(() => null);
    if (waiting !== null) for (const kind of taskKinds) gauge.set({ kind }, waiting[kind]);
  });
  return server;
}
