// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import test from 'ava';
import { openLatencies } from './latencies.js';

const latenciesOf = (durations: readonly number[]): ReturnType<typeof openLatencies> => {
  const latencies = openLatencies();
  for (const ms of durations) latencies.add(ms);
  return latencies;
};

test('no durations have no quantile', (t) => {
  t.is(latenciesOf([]).count, 0);
  t.is(latenciesOf([]).quantile(0.5), NaN);
});

test('a quantile is the duration at its rank, to 1 %', (t) => {
  t.notThrows(() => { fc.assert(fc.property(fc.array(fc.double({ min: 0.01, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 }), fc.double({ min: 0.001, max: 1, noNaN: true }), (durations, share) => {
    const latencies = latenciesOf(durations);
    const exact = durations.toSorted((a, b) => a - b)[Math.ceil(share * durations.length) - 1] ?? NaN;
    return latencies.count === durations.length && Math.abs(latencies.quantile(share) / exact - 1) < 0.0101;
  })); });
});

test('what is shorter than the shortest bin or longer than the longest counts there', (t) => {
  const latencies = latenciesOf([-1, 0, 1e12]);
  t.true(latencies.quantile(0.5) < 0.0102);
  t.true(latencies.quantile(1) > 1e6);
});
