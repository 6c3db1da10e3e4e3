// SPDX-License-Identifier: Apache-2.0
import { type Server, createServer } from 'node:http';
import { once } from 'node:events';
import type { TaskOutcome } from '@altiplano/protocol';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

export interface AgentMetrics {
  readonly countOutcome: (outcome: TaskOutcome) => void;
  setInHand(count: number): void;
  close(): void;
}

/** Serves Prometheus metrics at /metrics, on every interface: a scraper comes from outside. Throws where the port is taken. */
export async function openMetrics(port: number): Promise<AgentMetrics> {
  const register = new Registry();
  collectDefaultMetrics({ register });
  const registers = [register];
  const tasks = new Counter({ name: 'altiplano_tasks_total', help: 'Tasks ended', labelNames: ['kind', 'state'], registers });
  const buckets = [0.1, 0.3, 1, 3, 10, 30, 100, 300];
  const seconds = new Histogram({ name: 'altiplano_task_seconds', help: 'Wall time of a task', labelNames: ['kind'], buckets, registers });
  const stages = new Counter({ name: 'altiplano_stage_seconds_total', help: 'Wall time per stage', labelNames: ['kind', 'stage'], registers });
  const inHand = new Gauge({ name: 'altiplano_tasks_in_hand', help: 'Tasks being worked on', registers });
  const server: Server = createServer((request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    register.metrics().then(
      (text) => response.writeHead(200, { 'content-type': register.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  server.listen(port);
  await once(server, 'listening');
  return {
    countOutcome({ kind, state, wallSeconds, stages: stageSeconds }) {
      tasks.inc({ kind, state });
      seconds.observe({ kind }, wallSeconds);
      for (const [stage, value] of Object.entries(stageSeconds)) stages.inc({ kind, stage }, value);
    },
    setInHand(count) { inHand.set(count); },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
