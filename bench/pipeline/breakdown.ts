// SPDX-License-Identifier: Apache-2.0
import type { RunSummary } from '@altiplano/coordinator';
import type { ProcessUse, TreeUse } from './process-tree.js';

/** What a process of a run is for. */
export type Role = 'coordinator' | 'agent' | 'broker' | 'other';

/** Tells a process by its command line. 'other': the shells that end agents and bus with the program, and whatever a run may start. */
export function roleOf({ command }: Pick<ProcessUse, 'command'>): Role {
  const [program = '', script = ''] = command;
  if (program.endsWith('nats-server')) return 'broker';
  if (!program.endsWith('node')) return 'other';
  if (script.endsWith('altiplano-agent.js')) return 'agent';
  return script.endsWith('altiplano.js') ? 'coordinator' : 'other';
}

/** A share of a run's CPU seconds; `of` is the program that used them. */
export interface Part { readonly name: string; readonly of: Role; readonly seconds: number }

/** Tasks' stages by kind; everything else in a summary's stages is the coordinator's own work. */
const taskKinds = ['ingest', 'align', 'coarse', 'stereo'];

/**
 * Splits the CPU seconds of a run's processes into parts whose sum is the total. From the ledger: tasks by kind, those at full resolution
 * by stage, and the coordinator's own stages. From the processes: what agents used beside tasks, the coordinator beside its stages, the
 * broker. What is left, shells and the last moments of processes, is 'rest'; it is below zero by as much as clocks disagree.
 */
export function cpuParts(stages: RunSummary['stages'], tree: TreeUse): Part[] {
  const used = (role: Role): number => tree.processes.filter((process) => roleOf(process) === role).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  const named = (wanted: (name: string) => boolean): [string, number][] => Object.entries(stages).filter(([name]) => wanted(name));
  const sum = (entries: readonly (readonly [string, number])[]): number => entries.reduce((all, [, seconds]) => all + seconds, 0);

  const kinds = named((name) => taskKinds.includes(name));
  const inner = named((name) => name.startsWith('stereo.'));
  const own = named((name) => !name.includes('.') && !taskKinds.includes(name));
  const tasks = [...kinds.filter(([name]) => name !== 'stereo'), ...inner];
  const parts: Part[] = [
    ...tasks.map(([name, seconds]): Part => ({ name, of: 'agent', seconds })),
    { name: 'agents beside tasks', of: 'agent', seconds: used('agent') - sum(tasks) },
    ...own.map(([name, seconds]): Part => ({ name, of: 'coordinator', seconds })),
    { name: 'coordinator beside stages', of: 'coordinator', seconds: used('coordinator') - sum(own) },
    { name: 'broker', of: 'broker', seconds: used('broker') },
  ];
  const rest = tree.cpuSeconds - parts.reduce((all, { seconds }) => all + seconds, 0);
  return [...parts, { name: 'rest', of: 'other', seconds: rest }];
}
