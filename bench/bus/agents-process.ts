// SPDX-License-Identifier: Apache-2.0
// A process that hosts many agents: each has its own connection, store and pull loop, as the program has; only the kernels behind
// it are stubs, run without worker threads. Two hundred Node processes would measure Node's memory, not the bus.
import { setMaxListeners } from 'node:events';
import { type AgentConfig, type Log, type TilePool, openLog, runAgent, runTask } from '@altiplano/node-agent';
import { taskKinds } from '@altiplano/protocol';
import { stubRunners } from './stub-work.js';
import { cpuSeconds, whenParentEnds } from './process-figures.js';

export interface AgentsOrder {
  readonly nats: string;
  readonly store: string;
  readonly agents: number;
  readonly taskMs: number;
  readonly logFile: string;
  readonly name: string;
}
export type AgentsReply =
  /** All agents are connected and pull: what starting them costs isn't the flow's. */
  | { readonly is: 'ready' }
  | { readonly is: 'figures'; readonly cpuSeconds: number; readonly rssBytes: number };

const order: AgentsOrder = JSON.parse(process.argv[2] ?? '');
const reply = (message: AgentsReply): void => { process.send?.(message); };
const drain = new AbortController();
setMaxListeners(0, drain.signal);
const written = openLog({ level: 'info', file: order.logFile, agent: order.name });
let started = 0;
const log: Log = (event, fields) => {
  written(event, fields);
  if (event === 'agent:started' && ++started === order.agents) reply({ is: 'ready' });
};
const runners = stubRunners(order.taskMs), runnersUrl = new URL(`./stub-runners.js?task-ms=${order.taskMs}`, import.meta.url).href;

const agents = Array.from({ length: order.agents }, (_, k) => {
  const config: AgentConfig = {
    bus: { servers: order.nats }, warnings: [], store: order.store, id: `${order.name}-${k}`, slots: 1,
    kinds: taskKinds, logLevel: 'info', logFile: null, metricsPort: null, taskTimeout: 1800, ackWait: 15, grace: 0,
  };
  return runAgent(config, {
    log, version: 'bench', drain: drain.signal, stop: drain.signal, runnersUrl,
    openPool: (store): TilePool => ({
      async ready() { /* nothing to load */ },
      async run(task, { signal }) {
        const begun = performance.now();
        const result = await runTask(runners, { store }, task, { signal });
        return { result, wallSeconds: (performance.now() - begun) / 1000, cpuSeconds: 0 };
      },
      async close() { /* no threads */ },
    }),
  });
});
whenParentEnds();
process.on('message', (message) => {
  if (message === 'figures') reply({ is: 'figures', cpuSeconds: cpuSeconds(), rssBytes: process.memoryUsage.rss() });
  if (message === 'drain') drain.abort();
});
await Promise.all(agents);
process.disconnect();
