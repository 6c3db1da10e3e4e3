// SPDX-License-Identifier: Apache-2.0

/** What is run: how large a scene, with how many agents, on which cores (null: any). */
export interface Config { readonly size: number; readonly agents: number; readonly cores: readonly number[] | null }

export const nameOf = ({ size, agents, cores }: Config): string =>
  `${size} px, ${agents} agent${agents === 1 ? '' : 's'}${cores === null ? ', free' : ` on ${cores.length} core${cores.length === 1 ? '' : 's'}`}`;

/**
 * The runs of a bench: the small scene with one agent, the large one with every number of agents pinned to as many cores, and, unless it
 * must be quick, free where that isn't the same.
 */
export function configsOf([small, large]: readonly [number, number], agents: readonly number[], cores: readonly number[], quick: boolean): Config[] {
  const pinned = (size: number, count: number): Config => ({ size, agents: count, cores: cores.slice(0, count) });
  const free = quick ? [] : agents.filter((count) => count < cores.length);
  return [
    pinned(small, Math.min(...agents)), ...agents.map((count) => pinned(large, count)),
    ...free.map((count): Config => ({ size: large, agents: count, cores: null })),
  ];
}

/** The cores this process may use: 'Cpus_allowed_list: 0-3,8' of /proc/self/status. */
export function allowedCores(status: string): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [from = NaN, to = from] = range.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}
