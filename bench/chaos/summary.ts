// SPDX-License-Identifier: Apache-2.0
import { formatTable } from '../harness/terminal.js';
import type { Run } from './run-seed.js';
import { faultKinds } from './schedule.js';

/** The one command that does a run again. */
export const replayCommand = (seed: number, only: string): string => `npm run chaos -- --seeds ${seed}${only === '' ? '' : ` --only ${only}`}`;

/** A run in a line: seed, store, faults, seconds, result; and each deviation in one of its own. */
export function formatRun({ schedule, injected, seconds, deviations, ends }: Run): string {
  const result = deviations.length === 0 ? 'good' : `${deviations.length} DEVIATION${deviations.length === 1 ? '' : 'S'}`;
  // Killed or drained is what faults do; anything else a program did by itself.
  const byThemselves = ends.filter((end) => !/ (SIGKILL|exit code 0|SIGTERM at its start)$/.test(end));
  const head = `seed ${String(schedule.seed).padStart(4)}  ${schedule.store.padEnd(4)}  ${seconds.toFixed(1).padStart(5)} s  ${result.padEnd(5)}`;
  return `${head}  ${injected.join(', ')}${ends.length === 0 ? '' : ` (${ends.length} restarts${byThemselves.length === 0 ? '' : `; by themselves: ${byThemselves.join(', ')}`})`}\n${deviations.map((deviation) => `  ${deviation}\n`).join('')}`;
}

/** What all runs come to, by kind of fault. */
export function formatSummary(runs: readonly Run[], planned: number): string {
  const rows = Object.entries(faultKinds).map(([kind, about]) => {
    const having = runs.filter(({ injected }) => injected.some((one) => one === kind));
    const faults = having.reduce((sum, { injected }) => sum + injected.filter((one) => one === kind).length, 0);
    return [kind, String(faults), String(having.length), String(having.filter(({ deviations }) => deviations.length > 0).length), about];
  }).filter(([, faults]) => faults !== '0');
  const bad = runs.filter(({ deviations }) => deviations.length > 0);
  const attempts = new Map<string, number>();
  for (const { traces } of runs) for (const [name, count] of Object.entries(traces.attempts)) attempts.set(name, (attempts.get(name) ?? 0) + count);
  const sum = (of: (run: Run) => number): number => runs.reduce((total, run) => total + of(run), 0);
  const cost = `${sum(({ ends }) => ends.length)} restarts, ${sum(({ traces }) => traces.takeovers)} changes of the leader, attempts that ended no task: ${
    [...attempts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => `${count} ${name}`).join(', ') || 'none'}`;
  return `\n${formatTable({
    title: 'Faults injected', note: '',
    columns: [
      { name: 'kind', align: 'left' }, ...['faults', 'runs', 'deviations'].map((name) => ({ name, align: 'right' as const })), { name: 'what', align: 'left' },
    ],
    rows,
  })}\n${cost}\n${runs.length} of ${planned} runs in ${(sum(({ seconds }) => seconds) / 60).toFixed(1)} min, ${sum(({ injected }) => injected.length)} faults: ${
    bad.length === 0 ? 'no deviation' : `${bad.length} deviating (seeds ${bad.map(({ schedule }) => schedule.seed).join(', ')})`}\n`;
}

/** For programs. */
export const reportOf = (runs: readonly Run[]): unknown => ({
  v: 1, runs: runs.map(({ schedule, injected, seconds, deviations, ends, traces }) =>
    ({ seed: schedule.seed, store: schedule.store, injected, seconds: Number(seconds.toFixed(1)), ends, ...traces, deviations })),
});
