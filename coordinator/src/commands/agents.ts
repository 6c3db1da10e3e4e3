// SPDX-License-Identifier: Apache-2.0
import type { AgentInfo } from '@altiplano/protocol';
import { type BusFlags, addBusOptions, addConfigOption, secretsHelp } from '@altiplano/protocol/config';
import type { Command } from 'commander';
import { age, textTable } from '../views/text-table.js';
import { withBus } from './cluster-options.js';

/** Adds `altiplano agents` to the program. */
export function registerAgents(program: Command): void {
  addConfigOption(addBusOptions(program.command('agents')))
    .option('--json', 'print a line of JSON per agent')
    .addHelpText('after', `${secretsHelp}

Examples:
  altiplano agents --nats nats://bus:4222
  altiplano agents --json | jq -r 'select(.state == "draining") | .id'

An agent that is gone stays in the list for half a minute.`)
    .action(async (options: BusFlags & { readonly json?: true }) => {
      const agents = await withBus(options, (queue) => queue.agents());
      const sorted = [...agents].sort(([a], [b]) => (a < b ? -1 : 1));
      if (options.json) for (const [id, info] of sorted) process.stdout.write(`${JSON.stringify({ id, ...info })}\n`);
      else if (sorted.length === 0) process.stderr.write(`no agents on ${options.nats}; altiplano agent starts one\n`);
      else process.stdout.write(agentsTable(sorted, Date.now()));
    });
}

/** Agents as a table: a row each, and one for every further task in its hands. Ages compare clocks of different machines. `now`: milliseconds. */
export function agentsTable(agents: readonly (readonly [string, AgentInfo])[], now: number): string {
  const since = (at: string): string => age((now - Date.parse(at)) / 1000);
  const rows = agents.flatMap(([id, { state, host, cores, simd, version, slots, inHand, startedAt }]) => {
    const first = [id, state, host, `${inHand.length}/${slots}`, String(cores), simd, version, since(startedAt)];
    const held = inHand.map(({ sceneId, taskId, since: from, stage }) => [sceneId, taskId, since(from), stage ?? '-']);
    if (held.length === 0) held.push(['-', '-', '-', '-']);
    return held.map((task, k) => [...(k === 0 ? first : first.map(() => '')), ...task]);
  });
  return textTable(['AGENT', 'STATE', 'HOST', 'SLOTS', 'CORES', 'SIMD', 'VERSION', 'AGE', 'SCENE', 'TASK', 'FOR', 'STAGE'], rows);
}
