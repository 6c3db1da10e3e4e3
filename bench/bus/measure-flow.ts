// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openNatsQueue, startNatsServer } from '@altiplano/protocol/io';
import { replyOf } from '../harness/child-reply.js';
import type { AgentsOrder, AgentsReply } from './agents-process.js';
import type { CoordinatorOrder, CoordinatorReply } from './coordinator-process.js';
import { cpuSecondsOf, rssBytesOf } from './process-figures.js';

export interface FlowOrder {
  readonly tiles: number;
  readonly agents: number;
  /** Processes that host the agents. */
  readonly hosts: number;
  readonly taskMs: number;
  readonly ahead: number | null;
  /** Where store and bus keep their files while it runs. */
  readonly folder: string;
}

/** What one run of the flow took, at full resolution: from its first task published to the scene's end. */
export interface FlowFigures {
  readonly coordinator: Extract<CoordinatorReply, { is: 'ended' }>;
  readonly tasksPerSecond: number;
  /** CPU milliseconds per task. */
  readonly cpuMs: Readonly<Record<'coordinator' | 'agents' | 'server', number>>;
  readonly agentsRssBytes: number;
  readonly serverRssBytes: number;
}

/**
 * Runs one scene of made-up tasks through a nats-server of its own: server, coordinator and agents as processes, and a file store.
 * Whatever happens, they are ended and their files removed.
 */
export async function measureFlow(order: FlowOrder): Promise<FlowFigures> {
  const dir = await mkdtemp(join(order.folder, 'altiplano-bus-'));
  const children: ChildProcess[] = [];
  const start = (module: string, argument: AgentsOrder | CoordinatorOrder): ChildProcess => {
    const child = fork(fileURLToPath(new URL(module, import.meta.url)), [JSON.stringify(argument)], { execArgv: ['--expose-gc'] });
    children.push(child);
    return child;
  };
  const server = await startNatsServer({ storeDir: join(dir, 'bus') });
  const end = async (): Promise<void> => {
    for (const child of children) child.kill('SIGKILL');
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  };
  const onSignal = (): void => { void end().finally(() => process.exit(130)); };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    // Agents aren't ready before there are streams, which a coordinator makes.
    const queue = await openNatsQueue({ servers: server.url });
    await queue.ensure();
    await queue.close();
    const store = join(dir, 'store');
    const share = Math.ceil(order.agents / order.hosts);
    const hosts = Array.from({ length: order.hosts }, (_, k) => start('./agents-process.js', {
      nats: server.url, store, agents: Math.min(share, order.agents - k * share), taskMs: order.taskMs, logFile: join(dir, `host-${k}.log`), name: `host-${k}`,
    }));
    await Promise.all(hosts.map((host) => replyOf<AgentsReply, 'ready'>(host, 'ready')));
    const coordinator = start('./coordinator-process.js', {
      nats: server.url, store, workDir: join(dir, 'work'), tiles: order.tiles, taskMs: order.taskMs, ahead: order.ahead,
    });
    const isEnded = replyOf<CoordinatorReply, 'ended'>(coordinator, 'ended');
    isEnded.catch(() => undefined); // awaited below
    await Promise.race([replyOf<CoordinatorReply, 'steady'>(coordinator, 'steady'), isEnded]);
    const spent = async (): Promise<{ agents: number; rss: number; server: number }> => {
      const figures = await Promise.all(hosts.map((host) => {
        const answer = replyOf<AgentsReply, 'figures'>(host, 'figures');
        host.send('figures');
        return answer;
      }));
      const sum = (of: (figure: (typeof figures)[number]) => number): number => figures.reduce((total, figure) => total + of(figure), 0);
      return { agents: sum(({ cpuSeconds }) => cpuSeconds), rss: sum(({ rssBytes }) => rssBytes), server: cpuSecondsOf(server.pid) };
    };
    const before = await spent();
    const ended = await isEnded;
    const after = await spent();
    if (ended.state !== 'done') throw new Error(`the scene ended ${ended.state}: ${ended.failure ?? ''}`);
    const perTask = (seconds: number): number => (1000 * seconds) / ended.tasks;
    const figures = {
      coordinator: ended, tasksPerSecond: ended.tasks / ended.seconds,
      cpuMs: { coordinator: perTask(ended.cpuSeconds), agents: perTask(after.agents - before.agents), server: perTask(after.server - before.server) },
      agentsRssBytes: after.rss, serverRssBytes: rssBytesOf(server.pid),
    };
    for (const host of hosts) host.send('drain');
    await Promise.all(children.flatMap((child) => (child.exitCode === null ? once(child, 'exit') : [])));
    return figures;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await end();
  }
}
