// SPDX-License-Identifier: Apache-2.0
import { loadNativeBench } from '@altiplano/kernels/testing';
import test from 'ava';
import { makeReport } from '../harness/testing/reports.js';
import type { Limits } from './limits.js';
import { checkEquality, type KernelTimes } from './measure.js';
import { models, sgmOperations } from './models.js';
import { planGroups } from './plan.js';
import { ratesOf } from './rates.js';
import { texturedPair } from './textured-pair.js';

const native = loadNativeBench();

test('every kernel of the road has a model, and every planned kernel exists', (t) => {
  const names = native.stages().map(({ name }) => name);
  for (const name of names) t.truthy(models[name], name);
  for (const group of [...planGroups(false, 2, ['AVX2']), ...planGroups(true, 2, ['AVX2'])]) for (const kernel of group.kernels ?? []) t.true(names.includes(kernel), kernel);
});

test('every kernel writes the same bits on every SIMD target, and those of its slow twin', (t) => {
  const equality = checkEquality(native, native.targets(), '');
  t.true(equality.length > 10);
  for (const { kernel, asTwin, targetsEqual } of equality) {
    t.true(asTwin, `${kernel} differs from its twin`);
    t.true(targetsEqual, `${kernel} differs between targets`);
  }
});

test('a kernel timed in several threads gives a CPU time per thread and a wall time per repetition', (t) => {
  const pair = texturedPair({ size: 40, range: 16, bits: 8 });
  const tiles = [native.openTile(pair), native.openTile(pair)];
  const { cpu, wall } = native.timeStage({ tiles, stage: 'sgm', target: '', repetitions: 3 });
  t.deepEqual([cpu.length, wall.length], [6, 3]);
  t.true([...cpu, ...wall].every((seconds) => seconds > 0));
  t.throws(() => native.timeStage({ tiles, stage: 'unknown', target: '', repetitions: 1 }), { message: /unknown/ });
  t.throws(() => native.timeStage({ tiles, stage: 'sgm', target: 'PDP-11', repetitions: 1 }), { message: /PDP-11/ });
  for (const tile of tiles) native.closeTile(tile);
  t.throws(() => native.filteredDisparity(tiles[0] ?? t.fail()), { message: /closed/ });
});

test('the limit of matching is measured with the operations that its model counts, in eight chains of whole vectors', (t) => {
  for (const target of native.targets()) {
    const { amount } = native.timeArithmetic({ kind: 'int8', target, threads: 1, repetitions: 1, rounds: 3 });
    t.true([1, 16, 32, 64].includes(amount / (3 * 8 * sgmOperations)), `${target}: ${amount}`);
  }
});

test('both images of a pair show the same grey where the truth says so', (t) => {
  const { ref, sec, truth, seen, width, secWidth, low } = texturedPair({ size: 120, range: 32, bits: 12 });
  const errors: number[] = [];
  for (let i = 0; i < ref.length; i++) {
    if (seen[i] !== 1) continue;
    const u = i % width, v = Math.floor(i / width), x = u + (truth[i] ?? 0) - (low[i] ?? 0);
    const at = v * secWidth + Math.floor(x), share = x - Math.floor(x);
    const grey = (1 - share) * (sec[at] ?? 0) + share * (sec[at + 1] ?? 0);
    // The sensors differ by a gain of 1.05 about the mean of 700, and an offset of a tenth of the contrast.
    errors.push(Math.abs(grey - (700 + 1.05 * ((ref[i] ?? 0) - 700) + 30)));
  }
  errors.sort((a, b) => a - b);
  t.true((errors[errors.length >> 1] ?? Infinity) < 12, `median ${errors[errors.length >> 1] ?? NaN}`); // noise of 6 in both
});

test('a pair has what makes matching hard: steps, and pixels that the secondary does not see', (t) => {
  const { truth, seen, width, count, low } = texturedPair({ size: 200, range: 64, bits: 8 });
  const steps = truth.filter((d, i) => i % width > 0 && Math.abs(d - (truth[i - 1] ?? d)) > 2).length;
  const hidden = seen.filter((s) => s === 0).length;
  t.true(steps > 500, `${steps} steps`);
  t.true(hidden > 0.01 * seen.length && hidden < 0.3 * seen.length, `${hidden} hidden`);
  t.true(truth.every((d, i) => d >= (low[i] ?? 0) && d < (low[i] ?? 0) + count));
});

test('the same seed makes the same bytes, another one another town', (t) => {
  const make = (seed: number) => texturedPair({ size: 48, range: 16, bits: 12, seed });
  t.deepEqual(make(1), make(1));
  t.notDeepEqual(make(1).truth, make(2).truth);
});

test('shares are of the limit of the memory that the arrays live in, and the larger one binds', (t) => {
  const limits: Limits = {
    bandwidth: (level) => [{ L2: 1e11, L3: 5e10, memory: 1e10 }[level], 1], arithmetic: () => [4e11], measure: () => { /* nothing to measure */ },
  };
  const { machine } = makeReport([]);
  const times = (kernel: string, size: number, seconds: number): KernelTimes =>
    ({ kernel, group: 'base', case: { size, range: 64, bits: 12 }, threads: 1, target: 'AVX2', cpu: [seconds], wall: [seconds] });
  const inCache = ratesOf(times('triangulate', 200, 1e-4), limits, machine);
  t.is(inCache.memory, 'L2');
  t.is(inCache.memoryShare, (200 * 200 * 16) / 1e-4 / 1e11);
  t.is(inCache.computeShare, (200 * 200 * 58 * 8) / 1e-4 / 4e11);
  t.is(inCache.binds, 'compute');
  const large = ratesOf(times('speckle', 2048, 0.02), limits, machine);
  t.deepEqual([large.memory, large.computeShare, large.binds], ['memory', null, 'memory']);
  t.is(ratesOf(times('speckle', 2048, 2), limits, machine).binds, 'neither');
  t.is(ratesOf(times('sgm', 1000, 0.1), limits, machine).evaluationsPerSecond, (1000 * 1000 * 64) / 0.1);
});
