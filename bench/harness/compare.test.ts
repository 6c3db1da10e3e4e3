// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { makeRandom } from '../scenes/random.js';
import { formatComparison } from './compare-command.js';
import { compareDefaults, compareReports, rejected } from './compare.js';
import { makeReport, timed } from './testing/reports.js';

/** Times as a shared machine gives them: a few per cent of jitter and a long tail. */
function noisy(random: () => number, median: number, count = 9): number[] {
  return Array.from({ length: count }, () => median * (1 + 0.02 * (random() - 0.5) + (random() < 0.15 ? 0.3 * random() : 0)));
}

const names = Array.from({ length: 40 }, (_, i) => `kernel ${i}`);

test('a known shift among unchanged measurements is found, with its size and its direction', (t) => {
  const random = makeRandom(1);
  const before = makeReport(names.map((name) => timed(name, noisy(random, 10))));
  const after = makeReport(names.map((name, i) => timed(name, noisy(random, i === 7 ? 8 : i === 9 ? 13 : 10))));
  const { changes } = compareReports([before], [after]);
  t.deepEqual(changes.filter(({ verdict }) => verdict !== 'same').map(({ key, verdict }) => [key, verdict]), [['kernel 7', 'better'], ['kernel 9', 'worse']]);
  const [shrunk] = changes.filter(({ key }) => key === 'kernel 7');
  t.true(shrunk !== undefined && Math.abs(shrunk.ratio - 0.8) < 0.02 && shrunk.interval !== null && shrunk.interval[0] <= shrunk.ratio && shrunk.ratio <= shrunk.interval[1]);
});

test('pure noise raises an alarm in no more reports than stated', (t) => {
  const random = makeRandom(2);
  const rounds = 200;
  let alarms = 0;
  for (let round = 0; round < rounds; round++) {
    const report = () => makeReport(names.slice(0, 10).map((name) => timed(name, noisy(random, 10))));
    const { changes } = compareReports([report()], [report()], { ...compareDefaults, threshold: 0 });
    if (changes.some(({ verdict }) => verdict !== 'same')) alarms++;
  }
  // 5 % of 200 is 10; 20 or more would be a chance of 0.2 %.
  t.true(alarms < 20, `${alarms} of ${rounds}`);
});

/** A run on a machine that was so much slower, each measurement by a little more or less than the others. */
function runOf(random: () => number, slower: number, medianOf: (i: number) => number = () => 10) {
  return makeReport(names.map((name, i) => timed(name, noisy(random, slower * (1 + 0.04 * random()) * medianOf(i)))));
}

test('two runs on a machine that changed between them are called suspicious, and four tell it from the program', (t) => {
  const random = makeRandom(3);
  const doubled = (i: number) => (i === 7 ? 20 : 10);
  const [a, b, a2, b2] = [runOf(random, 1), runOf(random, 1.3, doubled), runOf(random, 1.25), runOf(random, 1, doubled)];
  const two = compareReports([a], [b]);
  t.is(two.runNoise, null);
  t.true(two.changes.filter(({ verdict }) => verdict === 'worse').length > 35);
  t.regex(two.warnings.join('\n'), /of 40 timed measurements changed: rather the machine than the program; run both programs again, in turns/);

  const four = compareReports([a, a2], [b, b2]);
  t.true(four.runNoise !== null && four.runNoise > 0.24 && four.runNoise < 0.4, String(four.runNoise));
  t.deepEqual(four.changes.filter(({ verdict }) => verdict !== 'same').map(({ key, verdict }) => [key, verdict]), [['kernel 7', 'worse']]);
  t.deepEqual(four.warnings, []);
  t.regex(formatComparison(four, false), /\nRuns of one program differ by up to \d+\.\d % /);
});

test("a limit of the machine that changed is warned of", (t) => {
  const random = makeRandom(4);
  const report = (bandwidth: number) => makeReport([{ ...timed('limit: triad', noisy(random, bandwidth), { memory: 'L3' }), unit: 'GB/s', better: 'higher' }, timed('a', noisy(random, 10))]);
  t.regex(compareReports([report(40)], [report(30)]).warnings.join('\n'), /limits of the machine itself changed \(triad memory=L3\); run both/);
  t.deepEqual(compareReports([report(40)], [report(40)]).warnings, []);
});

test('a change too small to matter is no change, however certain', (t) => {
  const before = makeReport([timed('a', [10, 10.001, 10.002, 10.003, 10.004, 10.005])]), after = makeReport([timed('a', [10.1, 10.101, 10.102, 10.103, 10.104, 10.105])]);
  t.is(compareReports([before], [after]).changes[0]?.verdict, 'same');
  t.is(compareReports([before], [after], { ...compareDefaults, threshold: 0.001 }).changes[0]?.verdict, 'worse');
});

test('better follows what the measurement says is better', (t) => {
  const slow = [1, 1.01, 1.02, 1.03, 1.04], fast = [2, 2.01, 2.02, 2.03, 2.04];
  const rate = (samples: readonly number[]) => makeReport([{ ...timed('a', samples), unit: 'Mpx/s', better: 'higher' }]);
  t.is(compareReports([rate(slow)], [rate(fast)]).changes[0]?.verdict, 'better');
  t.is(compareReports([makeReport([timed('a', slow)])], [makeReport([timed('a', fast)])]).changes[0]?.verdict, 'worse');
});

test('nothing is claimed of too few samples', (t) => {
  const verdict = (count: number) => {
    const samples = Array.from({ length: count }, (_, i) => i);
    return compareReports([makeReport([timed('a', samples)])], [makeReport([timed('a', samples.map((x) => x + 100))])]).changes[0]?.verdict;
  };
  t.is(verdict(1), 'unknown');
  t.is(verdict(3), 'unknown'); // complete separation of 3 and 3 samples happens by chance once in ten times
  t.is(verdict(4), 'worse');
});

test('exact values moved where they differ at all, and changed where that matters', (t) => {
  const report = (value: number) => makeReport([{ name: 'bad1', labels: {}, unit: '%', better: 'lower', samples: [value], exact: true }]);
  t.is(compareReports([report(2.5)], [report(2.5)]).changes[0]?.verdict, 'same');
  t.is(compareReports([report(2.5)], [report(2.501)]).changes[0]?.verdict, 'moved');
  t.is(compareReports([report(2.5)], [report(2.52)]).changes[0]?.verdict, 'worse');
  t.is(compareReports([report(2.5)], [report(2.48)]).changes[0]?.verdict, 'better');
  t.is(compareReports([report(0)], [report(0.1)]).changes[0]?.verdict, 'worse');
  t.is(compareReports([report(0.1)], [report(0)]).changes[0]?.verdict, 'better');
  t.is(compareReports([report(0)], [report(0)]).changes[0]?.verdict, 'same');
});

test('measurements are matched by name and labels, in whatever order', (t) => {
  const before = makeReport([timed('a', [1], { size: 1, range: 2 }), timed('a', [1], { size: 2 })]);
  const after = makeReport([timed('b', [1]), timed('a', [1], { range: 2, size: 1 })]);
  const { changes, onlyBefore, onlyAfter } = compareReports([before], [after]);
  t.deepEqual(changes.map(({ key }) => key), ['a range=2 size=1']);
  t.deepEqual(onlyBefore, ['a size=2']);
  t.deepEqual(onlyAfter, ['b']);
});

test('other machines, options, suites and modified checkouts are warned of', (t) => {
  const before = makeReport([]);
  const after = makeReport([], {
    suite: 'other', machine: { ...before.machine, cpu: 'Slide Rule' }, parameters: { quick: true }, commit: { hash: 'f'.repeat(40), modified: true },
  });
  t.deepEqual(compareReports([before], [before]).warnings, []);
  const { warnings } = compareReports([before], [after]);
  for (const expected of [/suites differ/, /Abacus 3000 and Slide Rule/, /--quick/, /modified checkout/]) t.true(warnings.some((warning) => expected.test(warning)), String(expected));
  t.regex(formatComparison(compareReports([before], [after]), false), /warning: the machines differ/);
});

test('the worst is printed first and what stayed the same is not', (t) => {
  const random = makeRandom(5);
  const before = makeReport(['a', 'b', 'c'].map((name) => timed(name, noisy(random, 10))));
  const after = makeReport([timed('a', noisy(random, 5)), timed('b', noisy(random, 20)), timed('c', noisy(random, 10))]);
  const text = formatComparison(compareReports([before], [after]), false);
  t.regex(text, /\nb .*worse\na .*better\n3 compared: 1 worse, 1 better, 0 moved a little, 1 the same/);
  t.regex(formatComparison(compareReports([before], [after]), true), /\nc .*same\n/);
});

test('of many tests those are rejected that Benjamini and Hochberg would', (t) => {
  t.deepEqual(rejected([0.01, null, 0.04, 0.03], 0.05), [true, false, true, true]); // 0.04 <= 0.05 x 3/3 takes all below along
  t.deepEqual(rejected([0.01, 0.06, 0.04], 0.05), [true, false, false]); // 0.01 <= 0.05 / 3, but 0.04 > 0.05 x 2/3
  t.deepEqual(rejected([0.5, null], 0.05), [false, false]);
});
