// SPDX-License-Identifier: Apache-2.0
import { coarseDsmKey, priorKey } from '@altiplano/protocol';
import test from 'ava';
import { isPreview } from './measure-run.js';

test('a preview is a coarse DSM, by the key that it is stored under, and nothing else', (t) => {
  const below = (key: string): string => key.slice('scenes/town/'.length);
  t.true(isPreview(below(coarseDsmKey('town', 16, 3))));
  t.false(isPreview(below(priorKey('town', 16, '0123456789abcdef'))));
  t.false(isPreview('coarse/4/x1y2/0_1.0123456789abcdef.tif'));
});
