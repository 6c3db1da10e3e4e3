// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { makeRandom } from '../scenes/random.js';
import { bootstrapRatio, leastP, mannWhitney, upperNormal } from './significance.js';

const close = (a: number, b: number, tolerance: number): boolean => Math.abs(a - b) <= tolerance * Math.abs(b);

test('the exact Mann-Whitney p is the share of orders', (t) => {
  // Of the 20 orders of 3 and 3 samples one is completely separated in each direction.
  t.true(close(mannWhitney([1, 2, 3], [4, 5, 6]), 2 / 20, 1e-12));
  // U = 1: two of 20 orders have U <= 1.
  t.true(close(mannWhitney([1, 2, 4], [3, 5, 6]), 4 / 20, 1e-12));
  t.is(mannWhitney([1, 4, 5], [2, 3, 6]), 1);
  // U = 3: counted by hand over all 462 orders, 7 have U <= 3.
  t.true(close(mannWhitney([1, 3, 5, 7, 9], [6, 8, 10, 12, 14, 16]), 14 / 462, 1e-12));
});

test('p does not depend on which side is which, nor on units', (t) => {
  const a = [5.1, 4.9, 5.3, 5.0, 5.2], b = [5.6, 5.05, 5.7, 5.8, 5.9, 5.4];
  t.is(mannWhitney(a, b), mannWhitney(b, a));
  t.is(mannWhitney(a, b), mannWhitney(a.map((x) => 1000 * x), b.map((x) => 1000 * x)));
});

test('ties are no evidence: equal samples give 1', (t) => {
  t.is(mannWhitney([2, 2, 2, 2], [2, 2, 2, 2]), 1);
  t.is(mannWhitney([], [1]), 1);
});

test('the normal approximation continues the exact p', (t) => {
  const random = makeRandom(3);
  const a = Array.from({ length: 20 }, random), b = Array.from({ length: 20 }, () => random() + 0.2);
  const exact = mannWhitney(a, b);
  const approximate = mannWhitney([...a, 5], [...b, 5]); // the tie, in the middle of nothing, asks for the approximation
  t.true(Math.abs(exact - approximate) < 0.02, `${exact} ${approximate}`);
});

test('the normal tail is that of the tables', (t) => {
  for (const [z, p] of [[0, 0.5], [1, 0.15865525393145707], [1.96, 0.024997895148220435], [3, 0.0013498980316300933], [6, 9.865876450376946e-10]] as const) {
    t.true(close(upperNormal(z), p, 1e-9), `${z}: ${upperNormal(z)}`);
  }
});

test('the least p is that of complete separation', (t) => {
  for (const [m, n] of [[3, 3], [5, 5], [4, 9]] as const) {
    const low = Array.from({ length: m }, (_, i) => i), high = Array.from({ length: n }, (_, i) => 100 + i);
    t.true(close(mannWhitney(low, high), leastP(m, n), 1e-12));
  }
});

test('the bootstrap interval holds the true ratio about as often as it says', (t) => {
  const random = makeRandom(11);
  let held = 0;
  const rounds = 200;
  for (let i = 0; i < rounds; i++) {
    const a = Array.from({ length: 15 }, () => 100 * (1 + 0.05 * (random() + random() - 1))), b = Array.from({ length: 15 }, () => 110 * (1 + 0.05 * (random() + random() - 1)));
    const [low, high] = bootstrapRatio(a, b);
    if (low <= 1.1 && 1.1 <= high) held++;
  }
  t.true(held / rounds > 0.88 && held / rounds <= 1, `${held} of ${rounds}`);
});
