// SPDX-License-Identifier: Apache-2.0
import { RasterError } from '@altiplano/kernels/raster';
import test from 'ava';
import { InputError, ObjectMissingError } from '@altiplano/protocol';
import { maxAttempts, maxUnknownAttempts, outcomeOf } from './settle.js';
import { failureOf } from './task-failure.js';

test('a permanent error is rejected at the first attempt', (t) => {
  t.deepEqual(outcomeOf({ retry: 'never' }, 1), { is: 'reject' });
});

test('an error of a service is retried with a growing delay, then rejected', (t) => {
  const delays = [1, 2, 3, 4, 5].map((attempt) => outcomeOf({ retry: 'later' }, attempt));
  t.deepEqual(delays.slice(0, 4), [1_000, 5_000, 30_000, 120_000].map((delayMs) => ({ is: 'retry', delayMs })));
  t.deepEqual(delays[4], { is: 'reject' });
  t.is(maxAttempts, 5);
});

test('an unknown error is retried at once, fewer times', (t) => {
  t.deepEqual([1, 2, 3].map((attempt) => outcomeOf({ retry: 'unknown' }, attempt).is), ['retry', 'retry', 'reject']);
  t.is(maxUnknownAttempts, 3);
});

test('errors become data: ours keep code and retry, kernels\' are permanent, others are unknown', (t) => {
  t.like(failureOf(new InputError('x.tif: no RPC')), { code: 'bad-input', message: 'x.tif: no RPC', retry: 'never' });
  t.like(failureOf(new ObjectMissingError('k')), { code: 'object-missing', retry: 'later' });
  t.like(failureOf(Object.assign(new Error('worst row disagreement 3 px'), { code: 'tile-geometry', stage: 'geometry' })), { code: 'tile-geometry', retry: 'never', stage: 'geometry' });
  t.like(failureOf(new RasterError('/vsis3/bucket/x.tif', "can't be read")), { code: 'raster', retry: 'later' });
  t.like(failureOf(new RasterError('/data/x.tif', "can't be read")), { code: 'raster', retry: 'never' });
  t.like(failureOf(Object.assign(new Error('no such file'), { code: 'ENOENT' })), { code: 'unknown', message: 'ENOENT: no such file', retry: 'unknown' });
  t.like(failureOf(new TypeError('x is undefined')), { code: 'unknown', retry: 'unknown' });
  t.deepEqual(failureOf('a string'), { code: 'unknown', message: 'a string', retry: 'unknown' });
});
