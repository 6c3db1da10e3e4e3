// SPDX-License-Identifier: Apache-2.0

/** What is run: how large a scene, by how many agents in all, on which cores (null: any). */
export interface Config {
  readonly size: number;
  readonly agents: number;
  readonly cores: readonly number[] | null;
  /**
   * true: the agents share nothing but the machine. Each has a run of its own: a core, a bus, a store and, where it is limited, memory. What they do
   * together is the most that so many agents could, were there nothing to wait for.
   */
  readonly separate: boolean;
}

/** Who runs where, for tables of one size. */
export function whoOf({ agents, cores, separate }: Config): string {
  const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
  if (separate) return counted(agents, 'separate run');
  return `${counted(agents, 'agent')}${cores === null ? ', free' : ` on ${counted(cores.length, 'core')}`}`;
}

export const nameOf = (config: Config): string => `${config.size} px, ${whoOf(config)}`;

/**
 * The runs of a bench: the small scene with one agent; the large one with every number of agents pinned to as many cores, each followed by as many separate
 * runs where there are cores enough and one agent to compare them with; and, unless it must be quick, free where that isn't the same.
 */
export function configsOf([small, large]: readonly [number, number], agents: readonly number[], cores: readonly number[], quick: boolean): Config[] {
  const pinned = (size: number, count: number, separate = false): Config => ({ size, agents: count, cores: cores.slice(0, count), separate });
  const canCompare = (count: number): boolean => agents.includes(1) && count > 1 && count <= cores.length;
  const free = quick ? [] : agents.filter((count) => count < cores.length);
  return [
    pinned(small, Math.min(...agents)),
    ...agents.flatMap((count) => (canCompare(count) ? [pinned(large, count), pinned(large, count, true)] : [pinned(large, count)])),
    ...free.map((count): Config => ({ size: large, agents: count, cores: null, separate: false })),
  ];
}

/** Who runs where: one entry for each run that takes place at the same time. */
export const placesOf = ({ agents, cores, separate }: Config): Pick<Config, 'agents' | 'cores'>[] =>
  (separate && cores !== null ? cores.map((core) => ({ agents: 1, cores: [core] })) : [{ agents, cores }]);

/** The cores this process may use: 'Cpus_allowed_list: 0-3,8' of /proc/self/status. */
export function allowedCores(status: string): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [from = NaN, to = from] = range.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}
