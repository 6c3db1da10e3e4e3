// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { epochOfKey, leaseKey, leaseSchema, leasesPrefix, parseStored } from '@altiplano/protocol';
import type { ObjectStore } from '@altiplano/protocol/io';
import { type Fault as RequestFault, type S3Server, openFaultyProxy } from '@altiplano/protocol/testing';
import { type Broker, startBroker } from './broker.js';
import { type Fate, type Direction, openBusProxy } from './bus-proxy.js';
import { type MovableClock, movableClock } from './clock.js';
import { plainEnvironment, s3Environment } from './environment.js';
import type { Frame } from './nats-frames.js';
import { keysBelow } from './oracle.js';
import { type Place, agentCommand, coordinatorCommand, hurried } from './programs.js';
import type { Schedule } from './schedule.js';
import { type Supervised, supervise } from './supervise.js';

/** Decides for each request or message for as long as a fault lasts; null: not this one. */
export type RequestMischief = () => RequestFault | null;
export type MessageMischief = (frame: Frame, direction: Direction) => Fate;

/** A cluster of real processes, with a hand on everything that can break. */
export interface Cluster {
  readonly agents: readonly Supervised[];
  readonly coordinators: readonly Supervised[];
  readonly broker: Broker;
  readonly requests: Set<RequestMischief>;
  readonly messages: Set<MessageMischief>;
  readonly clocks: ReadonlyMap<string, MovableClock>;
  /** For further programs of the run. */
  readonly place: Place;
  readonly env: Readonly<Record<string, string>>;
  /** Ports that nobody may listen at in the end. */
  readonly ports: readonly number[];
  /** How each program ended, by name. */
  stopPrograms(): Promise<ReadonlyMap<string, string>>;
  /** Ends what the programs talked to. */
  close(): Promise<void>;
}

export interface ClusterOptions {
  readonly folder: string;
  readonly marker: string;
  readonly schedule: Schedule;
  readonly storeUrl: string;
  /** The server behind an s3:// store. */
  readonly s3: S3Server | null;
  /** Variables for the agents alone. */
  readonly agentEnv: Readonly<Record<string, string>>;
}

/** Programs have this long to end by themselves when they are asked to. */
const patienceMs = 10_000;

export async function startCluster({ folder, marker, schedule, storeUrl, s3, agentEnv }: ClusterOptions): Promise<Cluster> {
  const logs = join(folder, 'logs');
  await mkdir(logs, { recursive: true });
  const broker = await startBroker(join(folder, 'bus'));
  const messages = new Set<MessageMischief>();
  const requests = new Set<RequestMischief>();
  const bus = await openBusProxy(broker.port, (frame, direction) => {
    for (const mischief of messages) {
      const fate = mischief(frame, direction);
      if (fate !== 'pass') return fate;
    }
    return 'pass';
  });
  const proxy = s3 === null ? null : await openFaultyProxy(s3.endpoint, () => {
    for (const mischief of requests) {
      const fault = mischief();
      if (fault !== null) return fault;
    }
    return null;
  });
  const env = { ...plainEnvironment(marker, folder), ...(s3 !== null && proxy !== null && s3Environment(s3, proxy.endpoint)), ...hurried };
  const names = [
    ...Array.from({ length: 2 }, (_, k) => ({ name: `coordinator-${k}`, command: coordinatorCommand, own: {} })),
    ...Array.from({ length: schedule.agents }, (_, k) => ({ name: `agent-${k}`, command: agentCommand, own: agentEnv })),
  ];
  const moved = clocksMoved(schedule, names.map(({ name }) => name));
  const clocks = new Map([...moved].map((name) => [name, movableClock(folder, name)]));
  const place = { nats: bus.url, store: storeUrl };
  const programs = names.map(({ name, command, own }) => supervise({
    name, command: command(name, place), env: { ...env, ...own, ...clocks.get(name)?.env }, logFile: join(logs, `${name}.log`),
  }));
  return {
    coordinators: programs.slice(0, 2), agents: programs.slice(2), broker, requests, messages, clocks, place, env,
    ports: [broker.port, bus.port],
    async stopPrograms() {
      return new Map(await Promise.all(programs.map(async (program) => [program.name, await program.stop(patienceMs)] as const)));
    },
    async close() {
      await bus.close();
      await proxy?.close();
      await broker.stop();
    },
  };
}

/** A clock's fault is about any program; which, its target says. */
export const clockTarget = (target: number, names: readonly string[]): string => names[target % names.length] ?? '';

function clocksMoved({ faults }: Schedule, names: readonly string[]): Set<string> {
  return new Set(faults.filter(({ kind }) => kind === 'clock-jump').map(({ target }) => clockTarget(target, names)));
}

/** The coordinator that holds the last lease; null: none, or one that is gone. */
export async function leaderOf(store: ObjectStore, coordinators: readonly Supervised[]): Promise<Supervised | null> {
  const epoch = Math.max(0, ...(await keysBelow(store, leasesPrefix)).map(epochOfKey));
  if (epoch === 0) return null;
  const { pid } = parseStored(leaseKey(epoch), leaseSchema, await store.get(leaseKey(epoch)));
  return coordinators.find((one) => one.pid() === pid) ?? null;
}
