// SPDX-License-Identifier: Apache-2.0
import { RasterError } from '@altiplano/kernels/raster';
import test from 'ava';
import { AccessDeniedError, InputError, MemoryBudgetError, ObjectMissingError, ServiceUnavailableError } from '@altiplano/protocol';
import { failureOf } from './task-failure.js';

test('errors become data: ours by what can help, kernels\' are permanent, others are unknown', (t) => {
  t.like(failureOf(new InputError('x.tif: no RPC')), { code: 'bad-input', message: 'x.tif: no RPC', class: 'permanent' });
  t.like(failureOf(new ObjectMissingError('k')), { code: 'object-missing', class: 'transient' });
  t.like(failureOf(new AccessDeniedError('store: no')), { code: 'access-denied', class: 'transient' });
  t.like(failureOf(Object.assign(new Error('worst row disagreement 3 px'), { code: 'tile-geometry', stage: 'geometry' })),
    { code: 'tile-geometry', class: 'permanent', stage: 'geometry' });
  t.like(failureOf(new RasterError('/vsis3/bucket/x.tif', "can't be read")), { code: 'raster', class: 'transient' });
  t.like(failureOf(new RasterError('/data/x.tif', "can't be read")), { code: 'raster', class: 'permanent' });
  t.like(failureOf(Object.assign(new Error('no such file'), { code: 'ENOENT' })), { code: 'unknown', message: 'ENOENT: no such file', class: 'unknown' });
  t.like(failureOf(new TypeError('x is undefined')), { code: 'unknown', class: 'unknown' });
  t.deepEqual(failureOf('a string'), { code: 'unknown', message: 'a string', class: 'unknown' });
});

test('too little memory is told apart, whoever says so', (t) => {
  t.like(failureOf(new MemoryBudgetError('tile x')), { code: 'memory-budget', class: 'memory' });
  for (const error of [new Error('std::bad_alloc'), new RangeError('Array buffer allocation failed'), Object.assign(new Error('spawn'), { code: 'ENOMEM' })]) {
    t.like(failureOf(error), { code: 'no-memory', class: 'memory' }, error.message);
  }
});

test('a full disk and a missing right pass, once somebody mends them', (t) => {
  t.like(failureOf(Object.assign(new Error('write'), { code: 'ENOSPC' })), { code: 'no-space', class: 'transient' });
  t.like(failureOf(new RasterError('/data/scratch/x.tif', "can't be written: No space left on device")), { code: 'no-space', class: 'transient' });
  t.like(failureOf(new ServiceUnavailableError('store: can\'t write k: ENOSPC: no space left on device, write')), { code: 'no-space', class: 'transient' });
  t.like(failureOf(Object.assign(new Error('open'), { code: 'EROFS' })), { code: 'access-denied', class: 'transient' });
});
