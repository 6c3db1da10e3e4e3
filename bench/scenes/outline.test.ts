// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { convexHull, type Place, spanAt } from './outline.js';

const coordinate = fc.integer({ min: -50, max: 50 });
const places = fc.array(fc.tuple(coordinate, coordinate), { minLength: 3, maxLength: 30 });
const hasArea = (all: readonly Place[]): boolean => convexHull(all).length >= 3;

test('a hull holds every place, and what lies between any two', (t) => {
  fc.assert(fc.property(places.filter(hasArea), fc.nat(), fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (all, m, n, share) => {
    const pick = (k: number): Place => all[k % all.length] ?? [0, 0];
    const [a, b] = [pick(m), pick(n)];
    const [x, y] = [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
    const span = spanAt(convexHull(all), y, 0.01);
    return span !== null && span[0] <= x && x <= span[1];
  }));
  t.pass();
});

test('a span is as wide as the polygon, and the margin', (t) => {
  const diamond = convexHull([[0, -4], [4, 0], [0, 4], [-4, 0], [1, 1]]);
  t.is(diamond.length, 4);
  t.deepEqual(spanAt(diamond, 0, 0), [-4, 4]);
  t.deepEqual(spanAt(diamond, 2, 0), [-2, 2]);
  t.deepEqual(spanAt(diamond, 3, 0.5), [-2, 2]);
  t.is(spanAt(diamond, 5, 0.5), null);
});
