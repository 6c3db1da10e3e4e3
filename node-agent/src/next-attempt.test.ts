// SPDX-License-Identifier: Apache-2.0
import { failureClasses } from '@altiplano/protocol';
import test from 'ava';
import fc from 'fast-check';
import { type Attempted, type NextAttempt, countedAttempts, nextAttempt } from './next-attempt.js';

const attempt = (name: Attempted['class'], more: Partial<Attempted> = {}): Attempted => ({ class: name, isolated: false, split: false, ...more });
const times = (count: number, one: Attempted): Attempted[] => Array<Attempted>(count).fill(one);
const run = (more: Partial<Extract<NextAttempt, { is: 'run' }>> = {}): NextAttempt => ({ is: 'run', afterMs: 0, isolated: false, split: false, ...more });
const dead = (name: Extract<NextAttempt, { is: 'dead' }>['class']): NextAttempt => ({ is: 'dead', class: name });

const isolated = { isolated: true };
const split = { split: true };
const killed = attempt('crash', { isolated: true, signal: 'SIGKILL' });

const table: readonly (readonly [string, readonly Attempted[], NextAttempt])[] = [
  ['nothing yet', [], run()],
  ['permanent', [attempt('permanent')], dead('permanent')],
  ['transient, once', [attempt('transient')], run({ afterMs: 1_000 })],
  ['transient, seven times', times(7, attempt('transient')), run({ afterMs: 240_000 })],
  ['transient, eight times', times(8, attempt('transient')), dead('transient')],
  ['unknown, twice', times(2, attempt('unknown')), run()],
  ['unknown, three times', times(3, attempt('unknown')), dead('unknown')],
  ['memory', [attempt('memory')], run({ split: true })],
  ['memory, in a process of its own', [attempt('vanished'), attempt('memory', isolated)], run({ isolated: true, split: true })],
  ['memory, though split', [attempt('memory'), attempt('memory', split)], dead('memory')],
  ['timeout', [attempt('timeout')], run({ isolated: true })],
  ['timeout in a process of its own', [attempt('timeout'), attempt('timeout', isolated)], dead('timeout')],
  ['a proven crash', [attempt('vanished'), attempt('crash', { isolated: true, signal: 'SIGSEGV' })], dead('crash')],
  ['killed from outside, twice', times(2, killed), run({ isolated: true })],
  ['killed from outside, three times', times(3, killed), dead('crash')],
  ['vanished', [attempt('vanished')], run({ isolated: true })],
  ['vanished, nine times', times(9, attempt('vanished')), run({ isolated: true })],
  ['vanished, ten times', times(10, attempt('vanished')), dead('vanished')],
  ['drained a hundred times', times(100, attempt('drain', isolated)), run()],
  ['some of each, none too often', [attempt('vanished'), attempt('unknown', isolated), attempt('memory', isolated), attempt('transient', { isolated: true, split: true })],
    run({ isolated: true, split: true, afterMs: 1_000 })],
];

for (const [what, attempts, expected] of table) test(`what follows: ${what}`, (t) => { t.deepEqual(nextAttempt(attempts), expected); });

test('eight attempts while a service is away take about ten minutes', (t) => {
  let seconds = 0;
  const attempts: Attempted[] = [];
  for (;;) {
    attempts.push(attempt('transient'));
    const next = nextAttempt(attempts);
    if (next.is === 'dead') break;
    seconds += next.afterMs / 1000;
  }
  t.is(attempts.length, 8);
  t.true(seconds > 540 && seconds < 660, `${seconds} s`);
});

const anyAttempt = fc.record({ class: fc.constantFrom(...failureClasses, 'drain' as const), isolated: fc.boolean(), split: fc.boolean() });

test('whatever happens, drains change neither end nor count, and what follows ends after a bounded number of attempts', (t) => {
  const drain = fc.array(fc.record({ class: fc.constant('drain' as const), isolated: fc.boolean(), split: fc.boolean() }), { maxLength: 5 });
  fc.assert(fc.property(fc.array(anyAttempt, { maxLength: 12 }), drain, (attempts, drains) => {
    const [plain, drained] = [nextAttempt(attempts), nextAttempt([...drains, ...attempts])];
    t.deepEqual(plain, drained);
    t.is(countedAttempts(attempts), countedAttempts([...drains, ...attempts]));
  }));
  fc.assert(fc.property(fc.infiniteStream(fc.constantFrom(...failureClasses)), (failures) => {
    const attempts: Attempted[] = [];
    for (const failure of failures) {
      const next = nextAttempt(attempts);
      if (next.is === 'dead') break;
      attempts.push({ class: failure, isolated: next.isolated, split: next.split });
      t.true(attempts.length <= 8 + 3 + 2 + 2 + 3 + 10);
    }
  }));
});
