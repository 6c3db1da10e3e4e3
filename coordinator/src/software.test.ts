// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { sourcesHash } from '@altiplano/kernels';
import { softwareId } from './software.js';

test('the program is named by its version and a hash that does not change from call to call', (t) => {
  t.regex(sourcesHash, /^[0-9a-f]{64}$/);
  t.regex(softwareId(), /^\d+\.\d+\.\d+\+[0-9a-f]{12}$/);
  t.is(softwareId(), softwareId());
});
