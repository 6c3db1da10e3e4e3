// SPDX-License-Identifier: Apache-2.0
// The wrappers and the binding behind them with shapes, lengths, types and numbers that make no sense: a result or an Error, and never the end of
// the process. The binding is also called past its wrappers: it must hold every buffer against its shape itself.
import test from 'ava';
import fc from 'fast-check';
import { detectCorners, matchPoints } from './match-points.js';
import { filterDisparity, matchPair } from './match.js';
import { fusePairs } from './merge-block.js';
import { loadNative } from './native.js';
import { rectify } from './rectify.js';

const seed = 20_261_123;
const native = loadNative<Record<string, (...args: unknown[]) => unknown>>();

const odd = fc.constantFrom<unknown>(NaN, Infinity, -Infinity, -1, 0, 1, 0.5, -0, 2 ** 31, 2 ** 31 - 1, -(2 ** 31), 2 ** 32, 2 ** 53, 65_536, null, undefined, '3', {}, []);
const small = fc.integer({ min: 0, max: 9 });
const number = fc.oneof({ weight: 6, arbitrary: small }, { weight: 1, arbitrary: odd });

function detached(): Float32Array {
  const array = new Float32Array(81);
  structuredClone(array, { transfer: [array.buffer] });
  return array;
}

const arrays = [Float32Array, Float64Array, Uint8Array, Int8Array, Uint16Array, Int16Array, Int32Array, Uint32Array] as const;
/** A typed array of some type and length, one in odd memory, or none at all. */
const array: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constantFrom(...arrays), fc.integer({ min: 0, max: 200 }), fc.integer({ min: -3, max: 300 })).map(([of, length, value]) => new of(length).fill(value)) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 200 }).map((length) => new Float32Array(length).map((_, i) => (i % 3 === 0 ? NaN : i * 1e6))) },
  { weight: 1, arbitrary: fc.constantFrom<() => unknown>(detached, () => new Float32Array(new SharedArrayBuffer(400)), () => new Float32Array(new ArrayBuffer(408), 4, 81),
    () => new DataView(new ArrayBuffer(64)), () => new BigInt64Array(9), () => new ArrayBuffer(64), () => null, () => [1, 2, 3]).map((make) => make()) },
);

/** The array every field wants, long enough for shapes below 10 x 10, so that not all calls end at the first check. */
const fitting: Readonly<Record<string, () => unknown>> = {
  data: () => new Float32Array(100).fill(7), valid: () => new Uint8Array(100).fill(1), low: () => new Int16Array(100), disparity: () => new Float32Array(100), validity: () => new Uint16Array(100),
  confidence: () => new Float32Array(100), east: () => new Float32Array(100), north: () => new Float32Array(100), up: () => new Float32Array(100), height: () => new Float32Array(100),
  weight: () => new Float32Array(100), spread: () => new Float32Array(100), count: () => new Uint16Array(100), seeds: () => new Float64Array(8), mask: () => null, rowCounts: () => null,
  first: () => new Float64Array(10), second: () => new Float64Array(10), featherCol: () => new Float64Array(10), featherRow: () => new Float64Array(10), reason: () => new Uint8Array(100),
};
const numbers = ['u0', 'v0', 'col0', 'row0', 'originE', 'originN', 'resolution', 'uOff', 'uScale', 'vOff', 'vScale', 'degree', 'sigma', 'radius', 'stepM', 'lowM', 'highM', 'slackM', 'towerM',
  'searchedM', 'p1', 'p2', 'leftRightPx', 'specklePx', 'speckleStepPx', 'medianSize', 'refineIterations', 'toleranceM', 'fullWeight', 'emptyReason', 'maxPoints', 'minDistancePx', 'border',
  'radiusU', 'radiusV', 'patchRadius', 'minScore', 'minDistinct', 'maxCount', 'slackPx', 'pixelM', 'stepRadius', 'support', 'marginM', 'shareOfSpan', 'lowest', 'highest'] as const;

/** An object with every field a kernel might ask for: mostly what fits, some of them spoilt. */
const thing: fc.Arbitrary<Record<string, unknown>> = fc.record({
  width: number, height: number, spoilt: fc.array(fc.tuple(fc.constantFrom(...Object.keys(fitting)), array), { maxLength: 2 }), figures: fc.array(number, { minLength: numbers.length, maxLength: numbers.length }),
}).map(({ width, height, spoilt, figures }) => {
  const shape = { width, height };
  const one: Record<string, unknown> = {
    ...Object.fromEntries(numbers.map((name, i) => [name, figures[i]])), ...Object.fromEntries(Object.entries(fitting).map(([name, make]) => [name, make()])),
    ...Object.fromEntries(spoilt), ...shape, isOwner: true,
  };
  return { ...one, grid: { ...one }, rect: { ...one }, ref: { ...one }, sec: { ...one } };
});

const argument: fc.Arbitrary<unknown> = fc.oneof({ weight: 6, arbitrary: thing }, { weight: 3, arbitrary: array }, { weight: 1, arbitrary: number }, { weight: 1, arbitrary: fc.array(thing, { maxLength: 2 }) });

/** The binding's functions and how many arguments each takes; those that touch files have tests of their own. */
const functions: Readonly<Record<string, number>> = {
  rpcProject: 2, rpcLocalize: 2, triangulate: 3, dropOutliers: 3, rasterizeDsm: 4, dsmFromDisparity: 6, localBounds: 3, reduceBounds: 3, fillBounds: 4, widenBounds: 4, leastSquares: 6, evaluatePolynomial: 5, fitPolynomial: 6,
  cellsWithPoints: 1, convexHull: 1,
};

for (const [name, arity] of Object.entries(functions)) {
  test(`${name}: arguments that make no sense are refused`, (t) => {
    const call = native[name];
    if (call === undefined) return t.fail('no such function');
    fc.assert(fc.property(fc.array(argument, { minLength: arity, maxLength: arity }), (args) => {
      try {
        call(...args);
      } catch (error) {
        if (!(error instanceof Error)) throw new Error(`threw ${String(error)}`);
      }
    }), { seed, numRuns: 250 });
    t.pass();
  });
}

/** Those with options of their own: through the wrappers, which hold every number against its range. */
const wrappers = { matchPair, filterDisparity, rectify, detectCorners, matchPoints, fusePairs } as unknown as Readonly<Record<string, (...args: unknown[]) => unknown>>;

for (const [name, call] of Object.entries(wrappers)) {
  test(`the wrapper ${name}: arguments that make no sense are refused`, (t) => {
    const part = fc.oneof({ weight: 8, arbitrary: thing }, { weight: 1, arbitrary: fc.array(thing, { maxLength: 2 }) }, { weight: 1, arbitrary: number }, { weight: 1, arbitrary: array });
    fc.assert(fc.property(fc.array(part, { minLength: 4, maxLength: 4 }), (args) => {
      try {
        call(...args);
      } catch (error) {
        if (!(error instanceof Error)) throw new Error(`threw ${String(error)}`);
      }
    }), { seed, numRuns: 200 });
    t.pass();
  });
}

test('every function without arguments, or with primitives for objects, throws an Error', (t) => {
  for (const [name, call] of Object.entries(native)) {
    if (typeof call !== 'function' || name === 'closeAll') continue;
    for (const args of [[], [null, null, null, null, null, null], [1, 2, 3, 4, 5, 6], ['a', 'b', 'c', 'd', 'e', 'f'], [{}, {}, {}, {}, {}, {}], [[], [], [], [], [], []]]) {
      try {
        call(...args);
      } catch (error) {
        t.true(error instanceof Error, `${name}(${JSON.stringify(args)})`);
      }
    }
  }
  t.pass();
});
