// SPDX-License-Identifier: Apache-2.0
import type { TaskOutcome } from '@altiplano/protocol';
import { openMetricsServer } from '@altiplano/protocol/metrics';
import { Counter, Gauge, Histogram } from 'prom-client';

export interface AgentMetrics {
  readonly countOutcome: (outcome: TaskOutcome) => void;
  close(): void;
}

/** Serves the agent's Prometheus metrics; `inHand` are the tasks being worked on. Throws InputError where the port is taken. */
export async function openMetrics(port: number, inHand: { readonly size: number }): Promise<AgentMetrics> {
  const server = await openMetricsServer(port);
  const registers = [server.register];
  const tasks = new Counter({ name: 'altiplano_tasks_total', help: 'Tasks ended', labelNames: ['kind', 'state'], registers });
  const buckets = [0.1, 0.3, 1, 3, 10, 30, 100, 300];
  const seconds = new Histogram({ name: 'altiplano_task_seconds', help: 'Wall time of a task', labelNames: ['kind'], buckets, registers });
  const stages = new Counter({ name: 'altiplano_stage_seconds_total', help: 'CPU seconds per stage', labelNames: ['kind', 'stage'], registers });
  const held = new Gauge({ name: 'altiplano_tasks_in_hand', help: 'Tasks being worked on', registers, collect: () => { held.set(inHand.size); } });
  return {
    countOutcome({ kind, state, wallSeconds, stages: stageSeconds }) {
      tasks.inc({ kind, state });
      seconds.observe({ kind }, wallSeconds);
      for (const [stage, value] of Object.entries(stageSeconds)) stages.inc({ kind, stage }, value);
    },
    close: server.close,
  };
}
