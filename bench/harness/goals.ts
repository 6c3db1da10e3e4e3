// SPDX-License-Identifier: Apache-2.0
import type { TableInput } from './report.js';

/** A figure that is wanted of a program. No check, because on a machine with neighbours a time proves little by itself: what is missed makes no suite fail. */
export interface Goal {
  readonly what: string;
  readonly wanted: string;
  readonly found: string;
  readonly isReached: boolean;
}

/** What is wanted beside what was found. */
export const goalsTable = (goals: readonly Goal[], note = ''): TableInput => ({
  title: 'What is wanted, and what was found',
  columns: [{ name: 'goal', align: 'left' }, { name: 'wanted', align: 'left' }, { name: 'found', align: 'left' }, { name: '', align: 'left' }],
  rows: goals.map(({ what, wanted, found, isReached }) => [what, wanted, found, isReached ? 'reached' : 'not yet']), note,
});
