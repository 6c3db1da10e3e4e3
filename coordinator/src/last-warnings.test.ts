// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { openLastWarnings } from './last-warnings.js';

test('a status has all of a few warnings, and of many the last with how many came before', (t) => {
  const warnings = openLastWarnings(['of the plan']);
  warnings.add('1');
  t.deepEqual(warnings.told(), { warnings: ['of the plan', '1'], earlierWarnings: 0 });
  for (let number = 2; number <= 24; number += 1) warnings.add(String(number));
  t.deepEqual(warnings.told(), { warnings: Array.from({ length: 20 }, (_, k) => String(k + 5)), earlierWarnings: 5 });
});
