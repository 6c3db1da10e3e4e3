// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault as RequestFault } from '@altiplano/protocol/testing';
import { makeRandom } from '../scenes/random.js';
import { type Cluster, clockTarget } from './cluster.js';
import { disorder } from './disorder.js';
import type { Fault } from './schedule.js';
import type { Supervised } from './supervise.js';

/** How the requests that a fault of the store hits go wrong. */
const requestFaults = {
  'store-errors': ['500', '503'],
  'store-slow': ['slow'],
  'store-silence': ['silent', 'stalled'],
  'store-cuts': ['refused', 'torn', 'lost', 'cut'],
} as const satisfies Readonly<Record<string, readonly RequestFault[]>>;

/** Silence costs a time limit each time: fewer of them fill a run. */
const silentShare = 0.2;

/**
 * Does what a fault says and resolves when it is over; an abort ends it early. `leader` finds the coordinator that leads at the moment.
 * False where there was nobody to do it to.
 */
export async function inject(cluster: Cluster, fault: Fault, leader: () => Promise<Supervised | null>, signal: AbortSignal): Promise<boolean> {
  const { kind, lastsMs, share, target } = fault;
  const lasting = async (ms: number): Promise<void> => { await delay(ms, undefined, { signal }).catch(() => undefined); };
  const pause = async (program: Supervised | null | undefined): Promise<boolean> => {
    const pid = program?.pid() ?? null;
    if (program === null || program === undefined || pid === null || !program.signal('SIGSTOP')) return false;
    await lasting(lastsMs);
    if (program.pid() === pid) program.signal('SIGCONT');
    return true;
  };
  const agent = cluster.agents[target % cluster.agents.length];
  const coordinator = async (): Promise<Supervised | null> => {
    const leading = await leader();
    return target % 3 === 2 ? cluster.coordinators.find((one) => one !== leading) ?? null : leading ?? cluster.coordinators[0] ?? null;
  };
  const random = makeRandom(fault.seed);
  switch (kind) {
    case 'agent-kill': return agent?.signal('SIGKILL') ?? false;
    case 'agent-drain': return agent?.signal('SIGTERM') ?? false;
    case 'agent-pause': return pause(agent);
    case 'coordinator-kill': return (await coordinator())?.signal('SIGKILL') ?? false;
    case 'coordinator-pause': return pause(await coordinator());
    case 'bus-kill':
      await cluster.broker.restart(lastsMs, true);
      return true;
    case 'bus-wipe':
      await cluster.broker.restart(lastsMs, false);
      return true;
    case 'bus-pause':
      await cluster.broker.pause(lastsMs);
      return true;
    case 'bus-disorder': {
      const mischief = disorder(random, share);
      cluster.messages.add(mischief);
      await lasting(lastsMs);
      cluster.messages.delete(mischief);
      return true;
    }
    case 'clock-jump': {
      const name = clockTarget(target, [...cluster.coordinators, ...cluster.agents].map((program) => program.name));
      cluster.clocks.get(name)?.jumpTo(fault.jumpMinutes);
      return true;
    }
    case 'poison': return true;
    default: {
      const faults: readonly RequestFault[] = requestFaults[kind];
      const hit = kind === 'store-silence' ? share * silentShare : share;
      const mischief = (): RequestFault | null => (random() < hit ? faults[Math.floor(random() * faults.length)] ?? null : null);
      cluster.requests.add(mischief);
      await lasting(lastsMs);
      cluster.requests.delete(mischief);
      return true;
    }
  }
}
